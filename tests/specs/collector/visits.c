/* An object that C code holds for good, and that tells how often collectors have looked at it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static int count;

static int traverse(PyObject *self, visitproc visit, void *argument) {
    (void)self, (void)visit, (void)argument;
    count++;
    return 0;
}

static PyTypeObject type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "held.visits.Visited",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = traverse,
};

static PyObject *held;

static void tell(void) {
    printf("looks: %d\n", count);
    fflush(stdout);
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "held.visits", .m_size = -1};

PyMODINIT_FUNC PyInit_visits(void) {
    if (PyType_Ready(&type) < 0)
        return NULL;
    held = PyType_GenericAlloc(&type, 0);
    if (held == NULL || Py_AtExit(tell) < 0)
        return NULL;
    return PyModule_Create(&definition);
}
