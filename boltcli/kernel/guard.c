/* Surviving a mapped file that is cut short: storage/guard.py says why. The handler puts zeros in the place of the
   mapping, and notes it in a byte that the processes forked meanwhile share. */
#include "walk.h"
#ifndef _WIN32
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

/* A handler may be at work in another thread: none of these is ever freed, and each is complete before `base` is set. */
typedef struct Watched { u8 *volatile base; size_t size; volatile u8 *tripped; struct Watched *volatile next; } Watched;
static Watched *volatile all;
static struct sigaction before;                             /* us */
static int active;

static void on_fault(int number, siginfo_t *info, void *context) {
    int error = errno;
    const u8 *at = info->si_addr;
    (void)context;
    if (info->si_code > 0) {                                /* by the processor, not by kill(2) */
        for (Watched *w = all; w; w = w->next) {
            u8 *base = w->base;
            if (!base || at < base || (size_t)(at - base) >= w->size) continue;
            *w->tripped = 1;
            if (mmap(base, w->size, PROT_READ, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) != base) break;
            errno = error;
            return;
        }
    }
    sigaction(number, &before, NULL);                       /* none of ours: let it be what it would have been */
    if (info->si_code <= 0) raise(number);
    errno = error;
}

PyObject *py_watch(PyObject *self, PyObject *args) {
    Py_buffer mapping; Watched *w;
    if (!PyArg_ParseTuple(args, "y*", &mapping)) return NULL;
    u8 *base = mapping.buf; size_t size = mapping.len;
    PyBuffer_Release(&mapping);                             /* who watches lets it be closed */
    for (w = all; w && w->base; w = w->next) {}
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w) return PyErr_NoMemory();
        w->next = all;
        all = w;
    }
    u8 *byte = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    if (byte == MAP_FAILED) return PyErr_SetFromErrno(PyExc_OSError);
    w->size = size; w->tripped = byte;
    __sync_synchronize();
    w->base = base;
    if (!active) {
        struct sigaction ours;
        memset(&ours, 0, sizeof ours);
        ours.sa_sigaction = on_fault;
        ours.sa_flags = SA_SIGINFO;
        if (sigaction(SIGBUS, &ours, &before)) { w->base = NULL; munmap(byte, 1); return PyErr_SetFromErrno(PyExc_OSError); }
    }
    active++;
    return PyLong_FromVoidPtr(w);
}

static Watched *find(PyObject *args) {
    PyObject *id;
    if (!PyArg_ParseTuple(args, "O", &id)) return NULL;
    void *wanted = PyLong_AsVoidPtr(id);
    if (PyErr_Occurred()) return NULL;
    for (Watched *w = all; w; w = w->next) if (w == wanted && w->base) return w;
    PyErr_SetString(PyExc_ValueError, "it is not watched");
    return NULL;
}

PyObject *py_is_tripped(PyObject *self, PyObject *args) {
    Watched *w = find(args);
    return w ? PyBool_FromLong(*w->tripped) : NULL;
}

PyObject *py_unwatch(PyObject *self, PyObject *args) {
    Watched *w = find(args);
    if (!w) return NULL;
    w->base = NULL;
    munmap((void *)w->tripped, 1);
    if (!--active) sigaction(SIGBUS, &before, NULL);
    Py_RETURN_NONE;
}
#endif
