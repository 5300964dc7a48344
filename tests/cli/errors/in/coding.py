# coding: nothing
