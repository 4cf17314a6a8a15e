/* export: lines of JSON, as render/ndjson.py writes them, a bucket before what is in it. First all is walked without a
   word, so that what isn't plain is known before the first line is out. */
#include "walk.h"

enum { BATCH = 1 << 18, PART = 1 << 14 };

typedef struct { Key key; int shown; } Name;
typedef struct {
    Walk w; PyObject *write, *shown; int dry, no_memory; u64 pairs, buckets;
    const Py_buffer *top, *top_hex;                         /* names of the way to the first bucket, as in a line */
    Text names; u64 hidden; int has_head;                   /* those from there on; how many of all aren't shown as text */
    char hex[512];                                          /* each byte in hexadecimal */
    Text head, out;                                         /* how the bucket's lines begin; what waits to be written */
} Export;

static int flush(Export *x) {
    if (!x->out.n) return 1;
    PyEval_RestoreThread(x->w.thread);
    PyObject *view = PyMemoryView_FromMemory((char *)x->out.at, x->out.n, PyBUF_READ);
    PyObject *done = view ? PyObject_CallFunctionObjArgs(x->write, view, NULL) : NULL;
    if (!done) x->w.raised = 1;
    Py_XDECREF(done); Py_XDECREF(view);
    x->w.thread = PyEval_SaveThread();
    x->out.n = 0;
    return !x->w.raised;
}

static int add(Export *x, Text *t, const void *s, size_t n) { return put(t, s, n) || !(x->no_memory = 1); }
static int say(Export *x, Text *t, const char *s) { return add(x, t, s, strlen(s)); }

/* A string in hexadecimal, or as JSON has it; of a long one slice by slice, which go out as they come. */
static int string(Export *x, Text *t, const u8 *s, u64 n, int hex) {
    static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    if (!say(x, t, "\"")) return 0;
    while (n) {
        u64 part = n < PART ? n : PART;
        u8 *p = room(t, 6 * part);
        if (!p) { x->no_memory = 1; return 0; }
        if (hex) for (u64 i = 0; i < part; i++, p += 2) memcpy(p, x->hex + 2 * s[i], 2);
        else for (u64 i = 0; i < part; i++) {
            u8 c = s[i];
            const char *two;
            if (c >= 0x20 && c != '"' && c != '\\') *p++ = c;
            else if (c && (two = strchr(shorts, c))) { *p++ = '\\'; *p++ = two[1]; }
            else { memcpy(p, "\\u00", 4); memcpy(p + 4, x->hex + 2 * c, 2); p += 6; }
        }
        t->n = p - t->at;
        s += part; n -= part;
        if (t == &x->out && t->n >= BATCH && !flush(x)) return 0;
    }
    return say(x, t, "\"");
}

static int is_text(const u8 *s, u64 n) {
    for (u64 i = 0, size; i < n; i += size) {
        if (n - i >= 8 && !(r64(s + i) & 0x8080808080808080)) { size = 8; continue; }
        u8 four[4]; u64 left = n - i < 4 ? n - i : 4;
        memcpy(four, s + i, left);                          /* one look */
        size = utf8(four, left);
        if (!size) return 0;
    }
    return 1;
}

/* Whether a key is printable; beyond ASCII Python knows it. -1: it raised. */
static int is_shown(Export *x, Key key) {
    int beyond = 0, controls = 0;
    for (u32 i = 0; i < key.n; i++) { u8 c = key.p[i]; controls |= c < 0x20 || c == 0x7F; beyond |= c >> 7; }
    if (controls || !beyond) return !controls;
    if (!is_text(key.p, key.n)) return 0;
    PyEval_RestoreThread(x->w.thread);
    PyObject *said = PyObject_CallFunction(x->shown, "y#", key.p, (Py_ssize_t)key.n);
    int shown = said ? PyObject_IsTrue(said) : -1;
    Py_XDECREF(said);
    if (shown < 0) x->w.raised = 1;
    x->w.thread = PyEval_SaveThread();
    return shown;
}

static int push(Export *x, Key key) {
    Name name = {key, x->dry ? 1 : is_shown(x, key)};
    if (name.shown < 0) return 0;
    x->hidden += !name.shown; x->has_head = 0;
    return add(x, &x->names, &name, sizeof name);
}

static void pop(Export *x) {
    x->names.n -= sizeof(Name);
    x->hidden -= !((Name *)(x->names.at + x->names.n))->shown;
    x->has_head = 0;
}

static int make_head(Export *x) {
    const Name *names = (const Name *)x->names.at; size_t n = x->names.n / sizeof *names;
    const Py_buffer *top = x->hidden ? x->top_hex : x->top;
    x->head.n = 0;
    if (!say(x, &x->head, x->hidden ? "{\"bucket_hex\":[" : "{\"bucket\":[") || !add(x, &x->head, top->buf, top->len)) return 0;
    for (size_t i = 0; i < n; i++)
        if (((i || top->len) && !say(x, &x->head, ",")) || !string(x, &x->head, names[i].key.p, names[i].key.n, x->hidden > 0)) return 0;
    x->has_head = 1;
    return say(x, &x->head, "],");
}

static int begin_line(Export *x) {
    if ((x->out.n >= BATCH && !flush(x)) || (!x->has_head && !make_head(x))) return 0;
    return add(x, &x->out, x->head.at, x->head.n);
}

static int pair(Export *x, const Element *e) {
    if (e->flags & 1) return 0;
    if (x->dry) { x->pairs++; return 1; }
    int shown = is_shown(x, e->key), text = is_text(e->value, e->size);
    return shown >= 0 && begin_line(x)
        && say(x, &x->out, shown ? "\"key\":" : "\"key_hex\":") && string(x, &x->out, e->key.p, e->key.n, !shown)
        && say(x, &x->out, text ? ",\"value\":" : ",\"value_hex\":") && string(x, &x->out, e->value, e->size, !text)
        && say(x, &x->out, "}\n");
}

/* An export is a backup: nothing may be left out without a word. The data of each element begin where those before it
   end, and after the last one there are zeros; a count or a size that is too small would show. Keys are in order. */
static int next_leaf(const u8 *e, const u8 *end, const u8 **data, const Key *before, Key low, Element *y) {
    const u8 *at = *data;
    return leaf_element(e, end, data, y) && y->key.p == at && y->flags <= 1
        && (before ? less(*before, y->key) : !low.p || !less(y->key, low));
}

static int next_key(const u8 *e, const u8 *end, const u8 **data, Key *key) {
    const u8 *at = *data;
    return branch_key(e, end, data, key) && key->p == at;
}

static int all_zero(const u8 *p, const u8 *end) {
    for (; end - p >= 8; p += 8) if (r64(p)) return 0;
    for (; p < end; p++) if (*p) return 0;
    return 1;
}

static int export_tree(Export *x, u64 pgid, Key low, Key high, int deep);

static int bucket(Export *x, const Element *e, int deep) {
    if (e->size < VALUE || !push(x, e->key)) return 0;
    u64 root = r64(e->value), sequence = r64(e->value + 8);
    x->buckets += x->dry;
    if (!x->dry && !(begin_line(x) && say(x, &x->out, "\"sequence\":") && number(&x->out, sequence) && say(x, &x->out, "}\n")))
        return 0;
    Key no = {NULL, 0}, last = no;
    if (root) { if (!export_tree(x, root, no, no, deep + 1)) return 0; }
    else {
        const u8 *p = e->value + VALUE, *end = e->value + e->size;
        if (end - p < HEAD) return 0;
        u64 word = r64(p + 8), count = word >> 16 & 0xFFFF;
        if ((word & 0xFFFF) != LEAF || HEAD + ELEM * count > (u64)(end - p)) return 0;
        const u8 *at = p + HEAD, *data = at + ELEM * count;
        for (u64 i = 0; i < count; i++, at += ELEM) {
            Element y;
            if (!next_leaf(at, end, &data, i ? &last : NULL, no, &y) || !pair(x, &y)) return 0;
            last = y.key;
        }
        if (!all_zero(data, end)) return 0;
    }
    pop(x);
    return 1;
}

/* low.p is NULL for the root of a tree, which alone may be without elements. */
static int export_tree(Export *x, u64 pgid, Key low, Key high, int deep) {
    Page page;
    if (deep > DEEPEST || !enter(&x->w, pgid, &page)) return 0;
    const u8 *e = page.p + HEAD, *data = e + ELEM * (u64)page.count;
    if (page.flags == BRANCH && page.count) {
        Key key, next;
        if (!next_key(e, page.end, &data, &key) || (low.p && less(key, low))) return 0;
        for (u32 i = 0; i < page.count; i++, e += ELEM) {
            next = high;
            if (i + 1 < page.count && (!next_key(e + ELEM, page.end, &data, &next) || !less(key, next))) return 0;
            if (!export_tree(x, r64(e + 8), key, next, deep + 1)) return 0;
            if (i + 1 < page.count) key = next;
        }
        return (!high.p || less(key, high)) && all_zero(data, page.end);
    }
    if (page.flags != LEAF || (low.p && !page.count)) return 0;
    Key last = low;
    for (u32 i = 0; i < page.count; i++, e += ELEM) {
        Element y;
        if (!next_leaf(e, page.end, &data, i ? &last : NULL, low, &y) || !(y.flags & 1 ? bucket(x, &y, deep) : pair(x, &y)))
            return 0;
        last = y.key;
    }
    return (!high.p || !page.count || less(last, high)) && all_zero(data, page.end);
}

PyObject *py_export(PyObject *self, PyObject *args) {
    Py_buffer file, plain, hex; unsigned long long page_size, most, root; PyObject *tick, *shown, *write, *result = NULL;
    Export export, *x = &export;
    if (!PyArg_ParseTuple(args, "y*KKKOz*y*OO", &file, &page_size, &most, &root, &tick, &plain, &hex, &shown, &write)) return NULL;
    memset(x, 0, sizeof *x);
    for (int i = 0; i < 512; i++) x->hex[i] = "0123456789abcdef"[i & 1 ? i >> 1 & 15 : i >> 5];
    if (begin(&x->w, &file, page_size, most, tick)) {
        x->shown = shown; x->write = write; x->dry = 1;
        x->top = plain.buf ? &plain : &hex; x->top_hex = &hex; x->hidden = !plain.buf;
        const Key no = {NULL, 0};
        int sound = export_tree(x, root, no, no, 0), done = 0;
        if (sound) {
            memset(x->w.reached, 0, x->w.limit);
            x->w.pages = 0; x->w.due = EVERY;
            x->dry = x->has_head = 0;
            done = export_tree(x, root, no, no, 0) && flush(x);
        }
        if (finish(&x->w, done)) result = Py_BuildValue("KK", x->pairs, x->buckets);
        else if (!sound || x->w.raised) result = none(&x->w);
        else result = x->no_memory ? PyErr_NoMemory() : PyBool_FromLong(0);
    }
    free(x->names.at); free(x->head.at); free(x->out.at); free(x->w.reached);
    PyBuffer_Release(&file); PyBuffer_Release(&plain); PyBuffer_Release(&hex);
    return result;
}
