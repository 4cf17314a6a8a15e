/* keys, items, export, pages: the leaf pages of a tree, and the keys of some of them; the table of all pages. */
#include "walk.h"
#include <stdio.h>

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

static int key_line(Text *t, Key key, int form) {           /* 'a'uto, 'h'ex, 'b'ytes */
    static const char digits[] = "0123456789abcdef";
    u8 *p = room(t, 2 * (size_t)key.n + 1);
    if (!p) return 0;
    int hex = form == 'h';
    memcpy(p + key.n, key.p, key.n);                        /* one look at the file: what follows is about the copy */
    u8 *copy = p + key.n;
    if (form == 'a') {
        int beyond = 0;
        for (u32 i = 0; i < key.n; i++) { hex |= copy[i] < 0x20 || copy[i] == 0x7F; beyond |= copy[i] >> 7; }
        if (beyond && !hex) {                               /* whether Unicode is printable is for Python to say */
            for (u32 i = 0, n; i < key.n && !hex; i += n) { n = utf8(copy + i, key.n - i); hex = !n; }
            if (!hex) return 0;
        }
    }
    if (hex) for (u32 i = 0; i < key.n; i++) { u8 c = copy[i]; p[2 * i] = digits[c >> 4]; p[2 * i + 1] = digits[c & 15]; }
    else memmove(p, copy, key.n);
    size_t n = hex ? 2 * (size_t)key.n : key.n;
    p[n] = '\n';
    t->n += n + 1;
    return 1;
}

/* The keys of leaf pages, given by their ids: as lines in one of the forms, or with form 'l' as a list. */
PyObject *py_keys(PyObject *self, PyObject *args) {
    Py_buffer file, ids; unsigned long long page_size; int form, ok = 1; Text t = {0}; PyObject *list = NULL; Walk w;
    if (!PyArg_ParseTuple(args, "y*Ky*C", &file, &page_size, &ids, &form)) return NULL;
    if (!begin(&w, &file, page_size, ~0ull, Py_None)) { PyBuffer_Release(&file); PyBuffer_Release(&ids); return NULL; }
    if (form == 'l') { PyEval_RestoreThread(w.thread); list = PyList_New(0); ok = list != NULL; }
    for (Py_ssize_t at = 0; ok && at + 8 <= ids.len; at += 8) {
        u64 pgid; Page page;
        memcpy(&pgid, (u8 *)ids.buf + at, 8);
        w.due = ~0ull;
        ok = enter(&w, pgid, &page) && page.flags == LEAF;
        if (!ok) break;
        const u8 *e = page.p + HEAD, *data = e + (u64)ELEM * page.count;
        for (u32 i = 0; ok && i < page.count; i++, e += ELEM) {
            Element x;
            ok = leaf_element(e, page.end, &data, &x);
            if (!ok) break;
            if (!list) { ok = key_line(&t, x.key, form); continue; }
            PyObject *key = PyBytes_FromStringAndSize((const char *)x.key.p, x.key.n);
            ok = key && !PyList_Append(list, key);
            Py_XDECREF(key);
        }
    }
    if (form == 'l') w.thread = PyEval_SaveThread();
    PyObject *result = NULL;
    if (!finish(&w, ok)) { Py_XDECREF(list); result = PyErr_Occurred() ? NULL : none(&w); }
    else result = list ? list : PyBytes_FromStringAndSize((char *)t.at, t.n);
    free(t.at); free(w.reached); PyBuffer_Release(&file); PyBuffer_Release(&ids);
    return result;
}


/* --- pages: a line a page --- */

/* Close the column that began at `start` and is `width` wide. */
static int pad(Text *t, size_t start, size_t width) {
    size_t n = t->n - start < width ? start + width - t->n : 0;
    u8 *p = room(t, n + 1);
    if (!p) return 0;
    memset(p, ' ', n + 1);
    t->n += n + 1;
    return 1;
}
static int cell(Text *t, const char *s, size_t width) { size_t at = t->n; return put(t, s, strlen(s)) && pad(t, at, width); }
static int count_cell(Text *t, u64 n, size_t width) { size_t at = t->n; return number(t, n) && pad(t, at, width); }

/* The lines of at most EVERY pages from `pgid` on, the page after them, and how much of `free` is passed: the ids of
   the free pages as u64, ascending. */
PyObject *py_pages(PyObject *self, PyObject *args) {
    Py_buffer file, ids; unsigned long long page_size, pgid, hwm; Text t = {0}; PyObject *result = NULL; Walk w;
    if (!PyArg_ParseTuple(args, "y*KKKy*", &file, &page_size, &pgid, &hwm, &ids)) return NULL;
    if (begin(&w, &file, page_size, hwm, Py_None)) {
        const u8 *free_ids = ids.buf, *last = free_ids + ids.len / 8 * 8;
        int ok = room(&t, 1) != NULL;
        for (u32 i = 0; ok && i < EVERY && pgid < w.limit; i++, pgid++) {
            while (free_ids < last && r64(free_ids) < pgid) free_ids += 8;
            if (free_ids < last && r64(free_ids) == pgid) {
                ok = count_cell(&t, pgid, 8) && cell(&t, "free", 10) && cell(&t, "", 6) && cell(&t, "", 6);
            } else {
                u64 word = r64(w.base + pgid * page_size + 8), over = word >> 32;
                u32 flags = word & 0xFFFF;
                char type[20];
                if (flags == BRANCH) strcpy(type, "branch");
                else if (flags == LEAF) strcpy(type, "leaf");
                else if (flags == 4) strcpy(type, "meta");
                else if (flags == 16) strcpy(type, "freelist");
                else snprintf(type, sizeof type, "unknown<%02x>", flags);
                ok = count_cell(&t, pgid, 8) && cell(&t, type, 10) && count_cell(&t, word >> 16 & 0xFFFF, 6)
                    && (over ? count_cell(&t, over, 6) : cell(&t, "", 6));
                pgid += over;
            }
            if (ok) t.at[t.n - 1] = '\n';
        }
        result = finish(&w, ok) ? Py_BuildValue("y#KK", t.at, (Py_ssize_t)t.n, pgid, (u64)(free_ids - (const u8 *)ids.buf)) : PyErr_NoMemory();
    }
    free(t.at); free(w.reached); PyBuffer_Release(&file); PyBuffer_Release(&ids);
    return result;
}
