/* An extension with 32 MB of machine code, nearly all of it noise: each of its places is somewhere else in it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <unistd.h>

#define PLACE(n)                                                                                                        \
    asm(".text\n.incbin \"noise.bin\"\n.globl place_" #n "\n.hidden place_" #n "\nplace_" #n ": movl $0x5eed00" #n    \
        ", %eax\nret\n");                                                                                               \
    extern int place_##n(void);

PLACE(10) PLACE(11) PLACE(12) PLACE(13) PLACE(14) PLACE(15) PLACE(16) PLACE(17)
PLACE(20) PLACE(21) PLACE(22) PLACE(23) PLACE(24) PLACE(25) PLACE(26) PLACE(27)

static int (*const places[])(void) = {
    place_10, place_11, place_12, place_13, place_14, place_15, place_16, place_17,
    place_20, place_21, place_22, place_23, place_24, place_25, place_26, place_27,
};

static char constructed[64];

__attribute__((constructor(101))) static void first(int argc, char **argv, char **environment) {
    int is_well = argc > 0 && argv[0] != NULL && argv[argc] == NULL && environment == environ;
    strcat(constructed, is_well ? "first " : "first, with the wrong arguments ");
}

__attribute__((constructor)) static void second(void) { strcat(constructed, "second"); }

__attribute__((destructor)) static void last(void) {
    if (write(1, "destroyed\n", 10) < 0)
        _exit(99);
}

static PyObject *place(PyObject *self, PyObject *number) {
    long index = PyLong_AsLong(number);
    if (index < 0 || index >= (long)(sizeof places / sizeof *places))
        return PyErr_Format(PyExc_IndexError, "no such place");
    int value;
    Py_BEGIN_ALLOW_THREADS
    value = places[index]();
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(value);
}

static PyObject *how(PyObject *self, PyObject *nothing) { return PyUnicode_FromString(constructed); }

static PyMethodDef methods[] = {
    {"place", place, METH_O, NULL}, {"constructed", how, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "large", NULL, -1, methods};

PyMODINIT_FUNC PyInit_large(void) { return PyModule_Create(&module); }
