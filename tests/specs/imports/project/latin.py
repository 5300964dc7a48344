# -*- coding: latin-1 -*-
TEXT = "größer §"
