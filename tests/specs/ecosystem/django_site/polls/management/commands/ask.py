from django.core.management.base import BaseCommand

from polls.models import Question


class Command(BaseCommand):
    help = "Asks questions"

    def add_arguments(self, parser):
        parser.add_argument("texts", nargs="+")

    def handle(self, *args, **options):
        for text in options["texts"]:
            Question.objects.create(text=text)
        self.stdout.write(f"asked {len(options['texts'])}")
