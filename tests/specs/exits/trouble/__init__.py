"""Modules that fail in different ways."""


def call(function):
    return function()
