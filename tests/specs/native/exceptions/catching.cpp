// The extension module that catches: what it throws itself, what the other library throws, what a thread threw.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "failure.hpp"

#include <exception>
#include <sstream>
#include <string>
#include <thread>
#include <typeinfo>

namespace {

PyObject *text(const std::string &words) { return PyUnicode_FromStringAndSize(words.data(), words.size()); }

PyObject *own(PyObject *, PyObject *) {
    try {
        throw 42;
    } catch (int number) {
        return text("own " + std::to_string(number));
    }
}

PyObject *of_the_standard_library(PyObject *, PyObject *) {
    try {
        (void)std::string("short").at(100);
    } catch (const std::out_of_range &) {
        return text("out of range");
    }
    return text("nothing was thrown");
}

PyObject *of_the_other(PyObject *, PyObject *) {
    std::ostringstream words; // locales are in libstdc++'s own state
    try {
        fail(7, 100);
    } catch (const Failure &failure) {
        words << failure.what() << ' ' << failure.number() << ' ' << alive();
    }
    try {
        fail(8, 0);
    } catch (const std::exception &error) { // by its base, whose description is libstdc++'s
        words << ' ' << error.what() << ' ' << (dynamic_cast<const Failure *>(&error) != nullptr);
        words << ' ' << (typeid(error) == typeid(Failure));
    }
    return text(words.str());
}

PyObject *of_a_thread(PyObject *, PyObject *) {
    std::exception_ptr caught;
    std::thread thread([&caught] {
        try {
            fail(9, 10);
        } catch (...) {
            caught = std::current_exception();
        }
    });
    thread.join();
    try {
        std::rethrow_exception(caught);
    } catch (const Failure &failure) {
        return text(std::string("thread ") + failure.what());
    }
}

// Python code between the throw and the catch of another exception; each stays on its own side.
PyObject *around_python(PyObject *, PyObject *callable) {
    try {
        PyObject *result = PyObject_CallNoArgs(callable);
        if (result == nullptr)
            throw std::runtime_error("Python raised");
        Py_DECREF(result);
        fail(10, 3);
    } catch (const Failure &failure) {
        return text(failure.what());
    } catch (const std::runtime_error &error) {
        PyErr_Clear();
        return text(error.what());
    }
    return text("nothing was thrown");
}

PyObject *many_times(PyObject *, PyObject *) {
    int caught = 0;
    for (int number = 0; number < 10000; ++number) {
        try {
            fail(number, 3);
        } catch (const Failure &failure) {
            caught += failure.number() == number;
        }
    }
    return PyLong_FromLong(caught);
}

PyObject *not_caught(PyObject *, PyObject *) noexcept {
    fail(11, 2);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"own", own, METH_NOARGS, nullptr},
    {"of_the_standard_library", of_the_standard_library, METH_NOARGS, nullptr},
    {"of_the_other", of_the_other, METH_NOARGS, nullptr},
    {"of_a_thread", of_a_thread, METH_NOARGS, nullptr},
    {"around_python", around_python, METH_O, nullptr},
    {"many_times", many_times, METH_NOARGS, nullptr},
    {"not_caught", not_caught, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "catching", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_catching() { return PyModule_Create(&definition); }
