"""The import system's ways to data and metadata."""

import importlib
import importlib.metadata as metadata
import importlib.resources as resources
import io
import pkgutil
import sys
import warnings

import own
import samples
import samples.sub

from . import outcome


def kind(value):
    return type(value).__name__


def files():
    root = resources.files("samples")
    text = root / "data" / "text.txt"
    print(kind(root), root, root.is_dir(), text.is_file(), text.name, repr(text.read_text(encoding="utf-8")), text.read_bytes()[:3])
    print(sorted(entry.name for entry in root.iterdir()), sorted(entry.name for entry in root.joinpath("data").iterdir()))
    print(resources.files(samples.sub).joinpath("data.txt").read_text(), resources.files(own).joinpath("templates", "page.html").read_text())
    with text.open("rb") as binary, text.open() as lines:
        print(binary.read(4), lines.readline())
    print((root / "none").is_file(), outcome((root / "none").read_text))


def as_file():
    for part in ("text.txt", "empty.txt"):
        with resources.as_file(resources.files("samples") / "data" / part) as path:
            print(kind(path), path, path.exists(), path.stat().st_size)
    if sys.version_info >= (3, 12):
        with resources.as_file(resources.files("samples") / "data" / "deep") as path:
            print(path, sorted(one.name for one in path.rglob("*")))


def of_a_namespace_package():
    import sample_space.inner

    print(kind(sample_space.__spec__.loader), sample_space.inner.value)
    if sys.version_info >= (3, 10):
        root = resources.files("sample_space")
        print(kind(root), root.is_dir(), sorted(entry.name for entry in root.iterdir() if entry.name != "__pycache__"))


def legacy():
    warnings.simplefilter("ignore")
    for name, arguments in [
        ("read_text", ("samples.sub", "data.txt")),
        ("read_binary", ("samples.sub", "data.txt")),
        ("is_resource", ("samples.sub", "data.txt")),
        ("is_resource", ("samples", "data")),
        ("is_resource", ("samples", "none")),
        ("read_text", ("samples", "none.txt")),
        ("read_text", (own, "note.txt")),
    ]:
        print(name, arguments[1], outcome(getattr(resources, name), *arguments) if hasattr(resources, name) else "gone")
    if hasattr(resources, "contents"):
        print(sorted(resources.contents("samples")), sorted(resources.contents(samples.sub)))
    if hasattr(resources, "path"):
        with resources.path("samples.sub", "data.txt") as path:
            print(kind(path), path, path.read_text())
    if hasattr(resources, "open_text"):
        with resources.open_text("samples.sub", "data.txt") as file, resources.open_binary("own", "note.txt") as other:
            print(file.read(), other.read(), isinstance(file, io.TextIOBase))


def readers():
    loader = samples.__spec__.loader
    print(hasattr(loader, "get_resource_reader"), loader.get_data(samples.HERE + "/data/text.txt")[:5], outcome(loader.get_data, samples.HERE + "/none"))
    reader = loader.get_resource_reader("samples")
    print(reader is not None, reader.is_resource("none"), sorted(reader.contents()) == sorted(entry.name for entry in resources.files("samples").iterdir()))
    print(reader.open_resource("runnable.py").readable(), outcome(reader.open_resource, "none"))


def pkgutil_get_data():
    print(pkgutil.get_data("samples", "data/text.txt"), pkgutil.get_data("samples.sub", "data.txt"), pkgutil.get_data("own", "templates/page.html"))
    print(outcome(pkgutil.get_data, "samples", "none"), outcome(pkgutil.get_data, "none", "none"), pkgutil.get_data("samples.unit", "sub/data.txt"))


def pkgutil_modules():
    print(sorted((one.name, one.ispkg) for one in pkgutil.iter_modules(samples.__path__)))
    print(sorted((one.name, one.ispkg) for one in pkgutil.walk_packages(samples.__path__, "samples.")))
    print(pkgutil.find_loader("samples.unit") is not None if sys.version_info < (3, 12) else "deprecated")
    print(kind(pkgutil.resolve_name("samples.unit:Box.fail")), "samples" in {one.name for one in pkgutil.iter_modules()})


def metadata_of_a_distribution():
    distribution = metadata.distribution("samples")
    print(metadata.version("samples"), metadata.version("Samples"), distribution.version, distribution.metadata["Name"])
    print(metadata.requires("samples"), sorted(metadata.metadata("samples").items()), metadata.metadata("samples").get_payload())
    print(distribution.read_text("top_level.txt"), distribution.read_text("none.txt"), distribution.read_text("WHEEL"))
    print(outcome(metadata.version, "no-such-distribution"))
    print([one.version for one in metadata.distributions(name="samples")], [one.version for one in metadata.distributions() if one.metadata["Name"] == "Samples"])


def metadata_files():
    listed = metadata.files("samples")
    for file in listed:
        print(file, file.size, file.hash, file.locate())
    page = next(file for file in listed if file.name == "text.txt")
    print(page.read_text(encoding="utf-8"), page.read_binary()[:4], metadata.distribution("samples").locate_file("samples/data/text.txt"))


def metadata_entry_points():
    points = metadata.entry_points()
    group = points.select(group="sample.plugins") if hasattr(points, "select") else points["sample.plugins"]
    for point in group:
        print(point.name, point.value, point.group, point.load().__name__)
    print(sorted((point.name, point.group) for point in metadata.distribution("samples").entry_points))
    if sys.version_info >= (3, 10):
        print(metadata.entry_points(group="sample.plugins", name="box"), metadata.entry_points(group="none"))
        print(metadata.packages_distributions()["samples"], metadata.packages_distributions().get("own"))


def pkg_resources_calls():
    warnings.simplefilter("ignore")
    import pkg_resources

    print(pkg_resources.resource_string("samples", "data/text.txt"), pkg_resources.resource_filename("samples", "data/text.txt"))
    print(sorted(pkg_resources.resource_listdir("samples", "data")), pkg_resources.resource_exists("samples", "none"), pkg_resources.resource_isdir("samples", "data"))
    with pkg_resources.resource_stream("own", "note.txt") as stream:
        print(stream.read())
    print(kind(pkg_resources.get_provider("samples")), pkg_resources.get_distribution("samples").version, pkg_resources.get_distribution("Samples"))
    print([point.name for point in pkg_resources.iter_entry_points("sample.plugins")], pkg_resources.require("samples")[0].project_name)
    print(pkg_resources.get_distribution("samples").requires(), pkg_resources.working_set.by_key["samples"].location)


def modules_are_files():
    import os

    for name in ("samples", "samples.unit", "samples.sub", "json.decoder", "own"):
        module = importlib.import_module(name)
        print(name, os.path.isfile(module.__file__), os.path.isfile(module.__cached__), os.path.basename(module.__file__) in os.listdir(os.path.dirname(module.__file__)))
