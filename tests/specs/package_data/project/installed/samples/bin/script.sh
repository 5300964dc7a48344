#!/bin/sh
echo "script: $# arguments, $1, $WORD"
exit 3
