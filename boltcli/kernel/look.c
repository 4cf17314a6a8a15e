/* get, seek, step: one key of a tree, found by the steps of tree/bucket.py. Where anything is odd, or the value is a bucket or
   large, the answer is NotImplemented, and Python decides. They keep the GIL: they are over sooner than it is given back. */
#include "walk.h"

enum { LARGE = 1 << 20 };                                   /* bytes of a value that is left to Python */

typedef struct { Page page; u64 pgid; u32 index; } Spot;
typedef struct { Py_buffer file; u64 page_size, limit, root; int depth; Spot path[DEEPEST]; } Look;

/* The arguments that all have. On an error 0. */
static int look(Look *l, PyObject *const *args, Py_ssize_t count, Py_ssize_t wanted) {
    u64 numbers[3];
    if (count != wanted) { PyErr_SetString(PyExc_TypeError, "another number of arguments is expected"); return 0; }
    for (int i = 0; i < 3; i++) {
        numbers[i] = PyLong_AsUnsignedLongLong(args[i + 1]);
        if (PyErr_Occurred()) return 0;
    }
    if (PyObject_GetBuffer(args[0], &l->file, PyBUF_SIMPLE)) return 0;
    l->page_size = numbers[0]; l->limit = whole_pages(l->file.len, l->page_size, numbers[1]); l->root = numbers[2];
    l->depth = 0;
    return 1;
}

static PyObject *done(Look *l, PyObject *found) { PyBuffer_Release(&l->file); return found; }
static PyObject *declined(Look *l) { return done(l, Py_NewRef(Py_NotImplemented)); }

/* Go down to a page of a tree, which is not empty but for the root. One that is below itself leads to keys that were met before,
   or too deep. */
static int down(Look *l, u64 pgid) {
    if (l->depth == DEEPEST) return 0;
    Spot *at = l->path + l->depth++;
    at->pgid = pgid; at->index = 0;
    if (!read_page(l->file.buf, l->page_size, l->limit, pgid, &at->page)) return 0;
    return at->page.count ? at->page.flags == BRANCH || at->page.flags == LEAF : at->page.flags == LEAF && l->depth == 1;
}

static int key_at(const Page *page, u32 index, Key *key, Element *x) {
    const u8 *e = page->p + HEAD + (u64)ELEM * index, *data = page->p + HEAD + (u64)ELEM * page->count;
    if (page->flags == BRANCH) return branch_key(e, page->end, &data, key);
    if (!leaf_element(e, page->end, &data, x)) return 0;
    *key = x->key;
    return 1;
}

static int same(Key a, Key b) { return a.n == b.n && !memcmp(a.p, b.p, a.n); }

/* Go down to the leaf where `key` is or would be, and there to the first key that isn't below it, perhaps past the last. */
static int descend(Look *l, Key key) {
    for (u64 pgid = l->root;;) {
        if (!down(l, pgid)) return 0;
        Spot *at = l->path + l->depth - 1;
        u32 low = 0, high = at->page.count;
        int exact = 0;
        while (low < high) {
            u32 middle = (low + high) / 2;
            Key found; Element x;
            if (!key_at(&at->page, middle, &found, &x)) return 0;
            if (less(found, key)) low = middle + 1; else { exact |= same(found, key); high = middle; }
        }
        at->index = low;
        if (at->page.flags == LEAF) return 1;
        if (!exact && low) at->index--;
        pgid = r64(at->page.p + HEAD + (u64)ELEM * at->index + 8);
    }
}

/* Move to the element after, or before: of nothing to the first, or last. 0: there is none; -1: odd. */
static int move(Look *l, int forward) {
    int all = !l->depth;
    Spot *at = NULL;
    for (; l->depth; l->depth--) {
        at = l->path + l->depth - 1;
        if (forward ? at->index + 1 < at->page.count : at->index > 0) break;
    }
    if (l->depth) at->index += forward ? 1 : -1;
    else if (!all) return 0;
    for (;;) {
        if (l->depth && l->path[l->depth - 1].page.flags == LEAF) return 1;
        u64 pgid = l->depth ? r64(at->page.p + HEAD + (u64)ELEM * at->index + 8) : l->root;
        if (!down(l, pgid)) return -1;
        at = l->path + l->depth - 1;
        if (!at->page.count) return 0;
        at->index = forward ? 0 : at->page.count - 1;
    }
}

static PyObject *value_of(const Element *x) {
    if (x->flags & 1 || x->size > LARGE) return Py_NewRef(Py_NotImplemented);
    return PyBytes_FromStringAndSize((const char *)x->value, x->size);
}

/* Where it is now: page ids, indexes, key, value. */
static PyObject *spot(Look *l, const Element *x) {
    PyObject *ids = PyTuple_New(l->depth), *indexes = PyTuple_New(l->depth), *value = value_of(x);
    PyObject *key = PyBytes_FromStringAndSize((const char *)x->key.p, x->key.n);
    int ok = ids && indexes && value && key;
    for (int i = 0; ok && i < l->depth; i++) {
        PyObject *id = PyLong_FromUnsignedLongLong(l->path[i].pgid), *index = PyLong_FromUnsignedLong(l->path[i].index);
        ok = id && index;
        if (id) PyTuple_SetItem(ids, i, id);
        if (index) PyTuple_SetItem(indexes, i, index);
    }
    PyObject *found = ok ? PyTuple_Pack(4, ids, indexes, key, value) : NULL;
    Py_XDECREF(ids); Py_XDECREF(indexes); Py_XDECREF(key); Py_XDECREF(value);
    return done(l, found);
}

/* 1, or 0 for a key that is too long for any page, -1 for an error. */
static int key_of(PyObject *given, Key *key) {
    char *text; Py_ssize_t size;
    if (PyBytes_AsStringAndSize(given, &text, &size)) return -1;
    key->p = (const u8 *)text; key->n = (u32)size;
    return size <= LONGEST;
}

QUICK(get) {
    Look l; Key key, found; Element x;
    if (!look(&l, args, count, 5)) return NULL;
    int ok = key_of(args[4], &key);
    if (ok < 0) return done(&l, NULL);
    if (!ok || !descend(&l, key)) return declined(&l);
    Spot *at = l.path + l.depth - 1;
    if (at->index == at->page.count) return done(&l, Py_NewRef(Py_None));
    if (!key_at(&at->page, at->index, &found, &x)) return declined(&l);
    return done(&l, same(found, key) ? value_of(&x) : Py_NewRef(Py_None));
}

QUICK(seek) {
    Look l; Key key, found; Element x;
    if (!look(&l, args, count, 5)) return NULL;
    int ok = key_of(args[4], &key);
    if (ok < 0) return done(&l, NULL);
    if (!ok || !descend(&l, key)) return declined(&l);
    Spot *at = l.path + l.depth - 1;
    if (at->index == at->page.count) {
        int moved = at->page.count ? move(&l, 1) : 0;
        if (moved <= 0) return moved ? declined(&l) : done(&l, Py_NewRef(Py_None));
        at = l.path + l.depth - 1;
    }
    if (!key_at(&at->page, at->index, &found, &x) || less(found, key)) return declined(&l);
    return spot(&l, &x);
}

QUICK(step) {
    Look l; Key before = {NULL, 0}, found; Element x;
    if (!look(&l, args, count, 7)) return NULL;
    int forward = PyObject_IsTrue(args[6]);
    Py_ssize_t depth = PyTuple_Size(args[5]);
    if (forward < 0 || depth < 0 || PyTuple_Size(args[4]) < 0) return done(&l, NULL);
    if (depth != PyTuple_Size(args[4])) return declined(&l);
    for (Py_ssize_t i = 0; i < depth; i++) {
        u64 pgid = PyLong_AsUnsignedLongLong(PyTuple_GetItem(args[4], i)), index = PyLong_AsUnsignedLongLong(PyTuple_GetItem(args[5], i));
        if (PyErr_Occurred()) return done(&l, NULL);
        if (!down(&l, pgid)) return declined(&l);
        Spot *at = l.path + l.depth - 1;
        if (index >= at->page.count || at->page.flags != (i + 1 < depth ? BRANCH : LEAF)) return declined(&l);
        at->index = (u32)index;
    }
    if (depth && !key_at(&l.path[depth - 1].page, l.path[depth - 1].index, &before, &x)) return declined(&l);
    int moved = move(&l, forward);
    if (moved <= 0) return moved ? declined(&l) : done(&l, Py_NewRef(Py_None));
    Spot *at = l.path + l.depth - 1;
    if (!key_at(&at->page, at->index, &found, &x)) return declined(&l);
    if (before.p && !(forward ? less(before, found) : less(found, before))) return declined(&l);
    return spot(&l, &x);
}
