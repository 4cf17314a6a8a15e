/* keys: the leaf pages of a tree, and the keys of some of them. */
#include "walk.h"

static int list_leaves(Walk *w, Text *ids, u64 pgid, int depth, int *lowest) {
    if (pgid < 2 || pgid >= w->limit) return 0;
    if (depth == *lowest) {                                 /* that it is a leaf is seen when it is read */
        if (w->reached[pgid]) return 0;
        w->reached[pgid] = 1;
        return put(ids, &pgid, 8);
    }
    Page page;
    if (depth > DEEPEST || !enter(w, pgid, &page)) return 0;
    if (page.flags == LEAF) { *lowest = depth; return put(ids, &pgid, 8); }
    if (page.flags != BRANCH || !page.count) return 0;
    const u8 *e = page.p + HEAD + 8;
    for (u32 i = 0; i < page.count; i++, e += ELEM) if (!list_leaves(w, ids, r64(e), depth + 1, lowest)) return 0;
    return 1;
}

PyObject *py_leaves(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root; PyObject *tick, *result = NULL; Walk w; Text ids = {0};
    if (!PyArg_ParseTuple(args, "y*KKKO", &file, &page_size, &most, &root, &tick)) return NULL;
    if (begin(&w, &file, page_size, most, tick)) {
        int lowest = -1, ok = list_leaves(&w, &ids, root, 0, &lowest);
        result = finish(&w, ok) ? PyBytes_FromStringAndSize((char *)ids.at, ids.n) : none(&w);
    }
    free(ids.at); free(w.reached); PyBuffer_Release(&file);
    return result;
}

/* The keys of leaf pages, given by their ids, as a list. */
PyObject *py_keys(PyObject *self, PyObject *args) {
    Py_buffer file, ids; unsigned long long page_size; int ok; Walk w;
    if (!PyArg_ParseTuple(args, "y*Ky*", &file, &page_size, &ids)) return NULL;
    PyObject *list = PyList_New(0);
    if (!list || !begin(&w, &file, page_size, ~0ull, Py_None)) {
        Py_XDECREF(list); PyBuffer_Release(&file); PyBuffer_Release(&ids);
        return NULL;
    }
    PyEval_RestoreThread(w.thread);                         /* all of it makes objects */
    w.due = ~0ull;
    ok = 1;
    for (Py_ssize_t at = 0; ok && at + 8 <= ids.len; at += 8) {
        u64 pgid; Page page;
        memcpy(&pgid, (u8 *)ids.buf + at, 8);
        ok = enter(&w, pgid, &page) && page.flags == LEAF;
        if (!ok) break;
        const u8 *e = page.p + HEAD, *data = e + (u64)ELEM * page.count;
        for (u32 i = 0; ok && i < page.count; i++, e += ELEM) {
            Element x;
            ok = leaf_element(e, page.end, &data, &x);
            if (!ok) break;
            PyObject *key = PyBytes_FromStringAndSize((const char *)x.key.p, x.key.n);
            ok = key && !PyList_Append(list, key);
            Py_XDECREF(key);
        }
    }
    if (!ok) { Py_DECREF(list); list = PyErr_Occurred() ? NULL : none(&w); }
    free(w.reached); PyBuffer_Release(&file); PyBuffer_Release(&ids);
    return list;
}
