/* An extension module that asks the C library itself: each function is a call by a path, its result, its error. */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static PyObject *failed(void) { return PyErr_SetFromErrno(PyExc_OSError); }

static PyObject *whole(FILE *file) {
    char text[256];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    return PyBytes_FromStringAndSize(text, (Py_ssize_t)length);
}

static PyObject *native_fopen(PyObject *self, PyObject *args) {
    const char *path, *mode;
    if (!PyArg_ParseTuple(args, "ss", &path, &mode)) return NULL;
    FILE *file = fopen(path, mode);
    return file ? whole(file) : failed();
}

static PyObject *native_fopen64(PyObject *self, PyObject *args) {
    const char *path;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    FILE *file = fopen64(path, "re");
    if (!file) return failed();
    int flags = fcntl(fileno(file), F_GETFD);
    fseek(file, -3, SEEK_END);
    long at = ftell(file);
    PyObject *rest = whole(file);
    return Py_BuildValue("ilN", flags & FD_CLOEXEC, at, rest);
}

static PyObject *native_freopen(PyObject *self, PyObject *args) {
    const char *path;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    FILE *file = fopen("/dev/null", "r");
    if (!file) return failed();
    file = freopen(path, "r", file);
    return file ? whole(file) : failed();
}

static PyObject *status(const struct stat *entry) {
    return Py_BuildValue("iL", (int)entry->st_mode, (long long)(S_ISDIR(entry->st_mode) ? 0 : entry->st_size));
}

static PyObject *native_stat(PyObject *self, PyObject *args) {
    const char *path;
    struct stat entry;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    return stat(path, &entry) == 0 ? status(&entry) : failed();
}

static PyObject *native_lstat(PyObject *self, PyObject *args) {
    const char *path;
    struct stat entry;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    return lstat(path, &entry) == 0 ? status(&entry) : failed();
}

static PyObject *native_statx(PyObject *self, PyObject *args) {
    const char *path;
    struct statx entry;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &entry)) return failed();
    return Py_BuildValue("iL", (int)entry.stx_mode, (long long)entry.stx_size);
}

/* The names of a directory with their kinds, twice: before and after rewinddir; and whether telldir and seekdir agree. */
static PyObject *native_list(PyObject *self, PyObject *args) {
    const char *path;
    struct dirent *entry;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    DIR *directory = opendir(path);
    if (!directory) return failed();
    PyObject *names = PyList_New(0);
    int again = 0;
    while ((entry = readdir(directory))) {
        PyObject *pair = Py_BuildValue("Ni", PyUnicode_DecodeFSDefault(entry->d_name), (int)entry->d_type);
        PyList_Append(names, pair);
        Py_DECREF(pair);
    }
    rewinddir(directory);
    while (readdir(directory)) again++;
    rewinddir(directory);
    readdir(directory);
    long place = telldir(directory);
    entry = readdir(directory);
    char second[NAME_MAX + 1];
    snprintf(second, sizeof second, "%s", entry ? entry->d_name : "");
    seekdir(directory, place);
    entry = readdir(directory);
    int agree = entry && strcmp(second, entry->d_name) == 0;
    struct stat found;
    int is_directory = fstat(dirfd(directory), &found) == 0 && S_ISDIR(found.st_mode);
    closedir(directory);
    return Py_BuildValue("Niii", names, again, agree, is_directory);
}

static int no_dots(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static PyObject *native_scandir(PyObject *self, PyObject *args) {
    const char *path;
    struct dirent **entries;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    int count = scandir(path, &entries, no_dots, alphasort);
    if (count < 0) return failed();
    PyObject *names = PyList_New(0);
    for (int at = 0; at < count; at++) {
        PyObject *name = PyUnicode_DecodeFSDefault(entries[at]->d_name);
        PyList_Append(names, name);
        Py_DECREF(name);
        free(entries[at]);
    }
    free(entries);
    return names;
}

static PyObject *native_access(PyObject *self, PyObject *args) {
    const char *path;
    int mode;
    if (!PyArg_ParseTuple(args, "si", &path, &mode)) return NULL;
    return access(path, mode) == 0 ? PyBool_FromLong(1) : failed();
}

static PyObject *native_mmap(PyObject *self, PyObject *args) {
    const char *path;
    int flags;
    struct stat entry;
    if (!PyArg_ParseTuple(args, "si", &path, &flags)) return NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &entry)) return failed();
    char *place = mmap(NULL, (size_t)entry.st_size, PROT_READ, flags ? MAP_SHARED : MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (place == MAP_FAILED) return failed();
    PyObject *text = PyBytes_FromStringAndSize(place, entry.st_size);
    munmap(place, (size_t)entry.st_size);
    return text;
}

/* A directory opened with open, a file relative to it, the directory's entries through fdopendir. */
static PyObject *native_openat(PyObject *self, PyObject *args) {
    const char *path, *name;
    char text[64];
    struct stat entry;
    if (!PyArg_ParseTuple(args, "ss", &path, &name)) return NULL;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return failed();
    int descriptor = openat(directory, name, O_RDONLY);
    if (descriptor < 0) return failed();
    ssize_t length = pread(descriptor, text, sizeof text, 2);
    close(descriptor);
    int same = fstatat(directory, name, &entry, 0) == 0;
    int readable = faccessat(directory, name, R_OK, 0) == 0;
    DIR *stream = fdopendir(directory);
    if (!stream) return failed();
    int count = 0;
    while (readdir(stream)) count++;
    closedir(stream);
    return Py_BuildValue("y#Liii", text, (Py_ssize_t)(length < 0 ? 0 : length), (long long)entry.st_size, same, readable, count);
}

static PyObject *native_realpath(PyObject *self, PyObject *args) {
    const char *path;
    char buffer[PATH_MAX];
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    if (!realpath(path, buffer)) return failed();
    char *allocated = realpath(path, NULL), *canonical = canonicalize_file_name(path);
    int agree = allocated && canonical && !strcmp(allocated, buffer) && !strcmp(canonical, buffer);
    free(allocated);
    free(canonical);
    return Py_BuildValue("Ni", PyUnicode_DecodeFSDefault(buffer), agree);
}

static PyObject *native_readlink(PyObject *self, PyObject *args) {
    const char *path;
    char buffer[PATH_MAX];
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    ssize_t length = readlink(path, buffer, sizeof buffer);
    return length < 0 ? failed() : PyUnicode_DecodeFSDefaultAndSize(buffer, length);
}

/* Goes into a directory, reads a file by its name there, and comes back. */
static PyObject *native_chdir(PyObject *self, PyObject *args) {
    const char *path, *name;
    char before[PATH_MAX], inside[PATH_MAX];
    if (!PyArg_ParseTuple(args, "ss", &path, &name)) return NULL;
    if (!getcwd(before, sizeof before) || chdir(path) || !getcwd(inside, sizeof inside)) return failed();
    FILE *file = fopen(name, "r");
    PyObject *text = file ? whole(file) : failed();
    if (chdir(before)) return failed();
    return text ? Py_BuildValue("NN", PyUnicode_DecodeFSDefault(inside), text) : NULL;
}

static PyObject *native_pathconf(PyObject *self, PyObject *args) {
    const char *path;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    long longest = pathconf(path, _PC_NAME_MAX);
    return longest < 0 ? failed() : PyLong_FromLong(longest);
}

static PyObject *native_statvfs(PyObject *self, PyObject *args) {
    const char *path;
    struct statvfs system;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    if (statvfs(path, &system)) return failed();
    return Py_BuildValue("kii", system.f_namemax, system.f_bsize > 0, (int)(system.f_flag & ST_RDONLY));
}

static PyObject *native_getxattr(PyObject *self, PyObject *args) {
    const char *path;
    char value[16];
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    return getxattr(path, "user.none", value, sizeof value) < 0 ? failed() : PyBool_FromLong(1);
}

static PyObject *native_where(PyObject *self, PyObject *args) {
    Dl_info info;
    if (!dladdr((void *)native_where, &info)) return PyErr_Format(PyExc_OSError, "dladdr knows nothing");
    return PyUnicode_DecodeFSDefault(info.dli_fname);
}

/* Loads a library, calls a function of it, and asks where that function is. */
static PyObject *native_load(PyObject *self, PyObject *args) {
    const char *path;
    Dl_info info;
    if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *message = dlerror();
        return PyErr_Format(PyExc_OSError, "%s", message ? message : "no message");
    }
    void *again = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    int (*twice)(int) = (int (*)(int))dlsym(library, "sample_twice");
    if (!twice || !dladdr((void *)twice, &info)) return PyErr_Format(PyExc_OSError, "no such function");
    return Py_BuildValue("iNi", twice(21), PyUnicode_DecodeFSDefault(info.dli_fname), again == library);
}

static PyMethodDef methods[] = {
    {"fopen", native_fopen, METH_VARARGS, NULL},       {"fopen64", native_fopen64, METH_VARARGS, NULL},
    {"freopen", native_freopen, METH_VARARGS, NULL},   {"stat", native_stat, METH_VARARGS, NULL},
    {"lstat", native_lstat, METH_VARARGS, NULL},       {"statx", native_statx, METH_VARARGS, NULL},
    {"list", native_list, METH_VARARGS, NULL},         {"scandir", native_scandir, METH_VARARGS, NULL},
    {"access", native_access, METH_VARARGS, NULL},     {"mmap", native_mmap, METH_VARARGS, NULL},
    {"openat", native_openat, METH_VARARGS, NULL},     {"realpath", native_realpath, METH_VARARGS, NULL},
    {"readlink", native_readlink, METH_VARARGS, NULL}, {"chdir", native_chdir, METH_VARARGS, NULL},
    {"pathconf", native_pathconf, METH_VARARGS, NULL}, {"statvfs", native_statvfs, METH_VARARGS, NULL},
    {"getxattr", native_getxattr, METH_VARARGS, NULL}, {"where", native_where, METH_NOARGS, NULL},
    {"load", native_load, METH_VARARGS, NULL},         {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module) { return 0; }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "samples.native", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
