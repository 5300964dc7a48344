/* Variables of each thread, in the access model that the compiler is told. NAME is the module's, SIZE the bytes. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>

#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)
#define QUOTED(a) #a
#define QUOTE(a) QUOTED(a)

static __thread int initialised = 1234;
static __thread unsigned char zeroed[SIZE];
__thread int visible = 99; /* a symbol that the dynamic linker sees */

/* Whether the calling thread's variables are as they began; then they are filled with a number. */
static int is_fresh_then_fill(int number) {
    int fresh = initialised == 1234 && visible == 99;
    for (int at = 0; at < SIZE; at++) {
        fresh &= zeroed[at] == 0;
        zeroed[at] = (unsigned char)number;
    }
    initialised = visible = number;
    return fresh;
}

static int holds(int number) {
    int well = initialised == number && visible == number;
    for (int at = 0; at < SIZE; at++)
        well &= zeroed[at] == (unsigned char)number;
    return well;
}

static PyObject *py_fresh(PyObject *module, PyObject *number) {
    (void)module;
    return PyBool_FromLong(is_fresh_then_fill((int)PyLong_AsLong(number)));
}

static PyObject *py_holds(PyObject *module, PyObject *number) {
    (void)module;
    return PyBool_FromLong(holds((int)PyLong_AsLong(number)));
}

/* A thread that Python did not make: its thread state is made, found again in the thread's own storage, and freed. */
static void *foreign(void *callable) {
    int fresh = is_fresh_then_fill(77);
    PyGILState_STATE outer = PyGILState_Ensure();
    PyGILState_STATE inner = PyGILState_Ensure();
    PyThreadState *state = PyGILState_GetThisThreadState();
    int same = state != NULL && state == PyThreadState_Get() && inner == PyGILState_LOCKED;
    PyGILState_Release(inner);
    PyObject *result = PyObject_CallFunction((PyObject *)callable, "iii", fresh, same, holds(77));
    Py_XDECREF(result);
    PyGILState_Release(outer);
    return NULL;
}

static PyObject *py_in_foreign_thread(PyObject *module, PyObject *callable) {
    (void)module;
    pthread_t thread;
    Py_BEGIN_ALLOW_THREADS
    if (pthread_create(&thread, NULL, foreign, callable) == 0)
        pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"fresh", py_fresh, METH_O, NULL},
    {"holds", py_holds, METH_O, NULL},
    {"in_foreign_thread", py_in_foreign_thread, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, QUOTE(NAME), NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void) { return PyModule_Create(&definition); }
