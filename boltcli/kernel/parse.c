/* import: lines of JSON as export writes them, to rows; pairs of one bucket as the elements of a leaf page. One that is
   written in another way, or can't be where it is, ends it: it is for Python. */
#include "walk.h"

enum { AT_ONCE = 256, BYTES_AT_ONCE = 1 << 16,              /* pairs of one bucket that are given together */
       MAX_KEY = 32768, LARGE = 1 << 20 };

typedef struct { const u8 *p, *end; } Line;

static int eat(Line *l, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(l->end - l->p) < n || memcmp(l->p, word, n)) return 0;
    l->p += n;
    return 1;
}

static const u8 digits[256] = {                             /* of hexadecimal, plus one */
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

static int four(Line *l, u32 *code) {                       /* of \uXXXX */
    if (l->end - l->p < 4) return 0;
    *code = 0;
    for (int i = 0; i < 4; i++) { u32 d = digits[*l->p++]; if (!d) return 0; *code = *code << 4 | (d - 1); }
    return 1;
}

/* What a string says, up to the quote that ends it, to `t`. */
static int unescaped(Line *l, Text *t) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    u8 *p = room(t, l->end - l->p);                         /* none takes more than it is written with */
    if (!p) return 0;
    while (l->p < l->end) {
        u8 c = *l->p;
        if (c == '"') { l->p++; t->n = p - t->at; return 1; }
        if (c < 0x20) return 0;
        if (c >= 0x80) {
            u32 n = utf8(l->p, l->end - l->p);
            if (!n) return 0;
            while (n--) *p++ = *l->p++;
            continue;
        }
        l->p++;
        if (c != '\\') { *p++ = c; continue; }
        if (l->p == l->end) return 0;
        c = *l->p++;
        const char *at = c ? strchr(from, c) : NULL;
        if (at) { *p++ = to[at - from]; continue; }
        u32 code, low;
        if (c != 'u' || !four(l, &code) || code >> 10 == 0x37) return 0;
        if (code >> 10 == 0x36) {
            if (!eat(l, "\\u") || !four(l, &low) || low >> 10 != 0x37) return 0;
            code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
        }
        if (code < 0x80) *p++ = code;
        else {
            int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
            *p++ = (0xFF00 >> (more + 1) & 0xFF) | code >> 6 * more;
            while (more--) *p++ = 0x80 | (code >> 6 * more & 0x3F);
        }
    }
    return 0;
}

static int unhexed(Line *l, Text *t) {
    u8 *p = room(t, (l->end - l->p) / 2 + 1);
    if (!p) return 0;
    const u8 *s = l->p;
    for (; l->end - s >= 2; s += 2) {
        u32 high = digits[s[0]], low = digits[s[1]];
        if (!high || !low) break;
        *p++ = (high - 1) << 4 | (low - 1);
    }
    l->p = s; t->n = p - t->at;
    return eat(l, "\"");
}

static int string(Line *l, int hex, Text *t) { return hex ? unhexed(l, t) : unescaped(l, t); }

/* The value of a field or of the same in hexadecimal, to `t`; 0 if it isn't there. */
static int field(Line *l, const char *plain, const char *hex, Text *t) {
    if (eat(l, plain)) return string(l, 0, t);
    return eat(l, hex) && string(l, 1, t);
}

static PyObject *names(Line *l, Text *t) {
    int hex = eat(l, "{\"bucket_hex\":[");
    if (!hex && !eat(l, "{\"bucket\":[")) return NULL;
    PyObject *list = PyList_New(0);
    for (int first = 1; list && !eat(l, "],"); first = 0) {
        t->n = 0;
        int there = eat(l, first ? "\"" : ",\"") && string(l, hex, t);
        PyObject *name = there ? PyBytes_FromStringAndSize((char *)t->at, t->n) : NULL;
        if (!name || PyList_Append(list, name)) { Py_DECREF(list); list = NULL; }
        Py_XDECREF(name);
    }
    PyObject *path = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return path;
}

/* The number that ends the row of a bucket. */
static int sequence(Line *l, unsigned long long *n) {
    const u8 *start = l->p;
    for (*n = 0; l->p < l->end && *l->p >= '0' && *l->p <= '9'; l->p++) *n = *n * 10 + (*l->p - '0');
    u64 size = l->p - start;
    return size && size < 20 && (size == 1 || *start != '0') && eat(l, "}") && l->p == l->end;
}

/* Pairs that follow each other in one bucket: where the data of each begin, the sizes of its key and value; the data. */
typedef struct { u32 start, key, value; } Pair;
typedef struct { Text pairs, data; } Group;
#define PAIRS(g) ((Pair *)(g)->pairs.at)
#define COUNT(g) ((g)->pairs.n / sizeof(Pair))

static int add_pair(Line *l, Group *g) {
    u32 start = (u32)g->data.n;
    size_t n = COUNT(g);
    Pair *before = n ? PAIRS(g) + n - 1 : NULL;
    if (field(l, "\"key\":\"", "\"key_hex\":\"", &g->data)) {
        u32 key = (u32)g->data.n - start;
        if (key && key <= MAX_KEY && field(l, ",\"value\":\"", ",\"value_hex\":\"", &g->data) && eat(l, "}") && l->p == l->end) {
            Pair pair = {start, key, (u32)g->data.n - start - key};
            Key high = {g->data.at + start, key}, low = {g->data.at, 0};
            if (before) { low.p += before->start; low.n = before->key; }
            if (pair.value <= LARGE && (!before || less(low, high)) && put(&g->pairs, &pair, sizeof pair)) return 1;
        }
    }
    g->data.n = start;
    return 0;
}

/* A row (path, first key, last key, how many, their element headers and data) of the group, which is empty then. */
static int close_group(Group *g, PyObject *path, PyObject *rows) {
    size_t n = COUNT(g), table = ELEM * n;
    if (!n) return 1;
    const Pair *pairs = PAIRS(g), *last = pairs + n - 1;
    PyObject *chunk = PyBytes_FromStringAndSize(NULL, table + g->data.n);
    if (!chunk) return 0;
    u8 *e = (u8 *)PyBytes_AsString(chunk);
    memcpy(e + table, g->data.at, g->data.n);
    for (size_t i = 0; i < n; i++, e += ELEM) {
        u32 fields[4] = {0, (u32)(table - ELEM * i) + pairs[i].start, pairs[i].key, pairs[i].value};
        memcpy(e, fields, ELEM);
    }
    PyObject *row = Py_BuildValue("Oy#y#nN", path, g->data.at, (Py_ssize_t)pairs->key,
        g->data.at + last->start, (Py_ssize_t)last->key, (Py_ssize_t)n, chunk);
    int ok = row && !PyList_Append(rows, row);
    Py_XDECREF(row);
    g->pairs.n = g->data.n = 0;
    return ok;
}

PyObject *py_parse(PyObject *self, PyObject *args) {
    PyObject *lines, *rows = NULL, *path = NULL, *result = NULL;
    Py_ssize_t at, first, count; Text t = {0}; Group group = {0}, *g = &group; const u8 *head = NULL; size_t head_size = 0; int ok = 1;
    if (!PyArg_ParseTuple(args, "On", &lines, &at)) return NULL;
    if ((count = PyList_Size(lines)) < 0 || !(rows = PyList_New(0))) return NULL;
    for (first = at; ok && at < count; at++) {
        char *text; Py_ssize_t n; unsigned long long number;
        if (PyBytes_AsStringAndSize(PyList_GetItem(lines, at), &text, &n)) { ok = 0; break; }
        Line line = {(u8 *)text, (u8 *)text + n}, *l = &line;
        if (head && (size_t)n > head_size && !memcmp(text, head, head_size)) l->p += head_size;
        else {
            PyObject *next = names(l, &t);
            ok = !path || close_group(g, path, rows);
            Py_XDECREF(path);
            path = next; head = (u8 *)text; head_size = l->p - head;
            if (!next) break;
        }
        if (eat(l, "\"sequence\":")) {
            if (!sequence(l, &number)) break;
            PyObject *row = ok && close_group(g, path, rows) ? Py_BuildValue("OK", path, number) : NULL;
            ok = row && !PyList_Append(rows, row);
            Py_XDECREF(row);
            continue;
        }
        if (!add_pair(l, g)) break;
        if (COUNT(g) == AT_ONCE || g->data.n >= BYTES_AT_ONCE) ok = close_group(g, path, rows);
    }
    if (ok && path) ok = close_group(g, path, rows);
    if (ok && !PyErr_Occurred()) result = Py_BuildValue("On", rows, at - first);
    Py_XDECREF(rows); Py_XDECREF(path); free(t.at); free(g->pairs.at); free(g->data.at);
    return result;
}
