/* The least that starts CPython: a program linked with its library that runs one line, in the isolated configuration
   (https://docs.python.org/3/c-api/init_config.html). HOME is the prefix with the standard library, SITE whether the
   module site is imported. */
#include <Python.h>

int main(int argc, char **argv) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = SITE;
    PyStatus status = PyConfig_SetBytesString(&config, &config.home, HOME);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesArgv(&config, argc, argv);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.run_command, "print(\"hello\")\n");
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
    return Py_RunMain();
}
