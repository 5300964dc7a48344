from django import template

register = template.Library()


@register.filter
def shout(text):
    return f"{text}!"
