/* compact: the file that bbolt writes, put by put, or the densest one, for a source that is plain and known to be sound.
   ops/write/{transactions,pager,dense}.py do the same for others, and say why. */
#include "walk.h"

enum { LEAST = 2, LEVELS = 24, BATCH = 1 << 20, ALLOC_SIZE = 16 << 20, MMAP_STEP = 1 << 30, IN_FIRST_ID = 0xFFFF,
       FREELIST = 0x10, RUN = 16, ENOUGH = 8, MAX_KEY = 32768, MAX_VALUE = 0x7FFFFFFE };
#define FULL 0.875                                          /* what of the pages that it costs a leaf of a dense copy has to use */

typedef struct { Key key; const u8 *value; u32 size, flags; } Item;     /* a bucket's value is ours, and freed with it */
typedef struct { Key key; u64 pgid; } Child;
typedef struct { Text children; u64 size, pgid, pages; size_t fitting; } Branch;    /* the right-most node of a level; pgid 0: not stored */
typedef struct {                                            /* a bucket that is being written, with its right-most leaf */
    Key name; u64 sequence; int full, touched, placed, holds, height;
    Text items; u64 size, pgid, pages;
    Branch branches[LEVELS];
} Target;
typedef struct { u64 start, pages; } Run;
typedef struct { u64 pgid, pages; size_t at; } Put;
typedef struct {
    Walk w; PyObject *write; u64 capacity;                  /* of a page of a dense copy; 0: it is bbolt's */
    u64 page_size, pairs, buckets, transactions;
    int64_t limit, weight;                                  /* of a transaction, and of this one: bytes put; 0: no limit */
    Target path[DEEPEST + 2]; int depth;                    /* path[0] is the root bucket */
    Text up;                                                /* the pages of a level that was spilled, for the one above */
    u64 hwm, hwm_before, root, txid, mapped, size, freelist, freelist_pages, metas[2][4];
    Text runs, merged, pending; u64 free_count, pending_count;
    Text out, puts;                                         /* pages that wait to be written */
} Copy;

#define COUNT(text, type) ((text).n / sizeof(type))
static inline void w32(u8 *p, u32 v) { memcpy(p, &v, 4); }
static inline void w64(u8 *p, u64 v) { memcpy(p, &v, 8); }
static inline void header(u8 *p, u64 pgid, u32 flags, u64 count, u64 over) {
    w64(p, pgid); w32(p + 8, flags | (u32)count << 16); w32(p + 12, (u32)over);
}

/* --- The file: which page goes where, how it grows --- */

static int by_place(const void *a, const void *b) { u64 x = *(const u64 *)a, y = *(const u64 *)b; return (x > y) - (x < y); }

/* All free pages, those just released among them, into c->merged: runs, ascending. */
static int merge(Copy *c) {
    c->merged.n = 0;
    if (!put(&c->merged, c->runs.at, c->runs.n) || !put(&c->merged, c->pending.at, c->pending.n)) return 0;
    Run *runs = (Run *)c->merged.at; size_t n = COUNT(c->merged, Run), to = 0;
    qsort(runs, n, sizeof *runs, by_place);
    for (size_t i = 1; i < n; i++) {
        if (runs[to].start + runs[to].pages == runs[i].start) runs[to].pages += runs[i].pages;
        else runs[++to] = runs[i];
    }
    if (n) c->merged.n = (to + 1) * sizeof *runs;
    return 1;
}

static int begin_transaction(Copy *c) {
    if (!merge(c)) return 0;
    Text before = c->runs;
    c->runs = c->merged; c->merged = before;
    c->free_count += c->pending_count;
    c->pending.n = c->pending_count = 0; c->weight = 0;
    c->txid++; c->hwm_before = c->hwm;
    return 1;
}

static int release(Copy *c, u64 start, u64 pages) {
    Run run = {start, pages};
    c->pending_count += pages;
    return put(&c->pending, &run, sizeof run);
}

static u64 mmap_size(u64 size, u64 page_size) {
    for (int i = 15; i < 31; i++) if (size <= 1ull << i) return 1ull << i;
    size = (size + MMAP_STEP - 1) / MMAP_STEP * MMAP_STEP;
    return (size + page_size - 1) / page_size * page_size;
}

static u64 allocate(Copy *c, u64 pages) {
    Run *runs = (Run *)c->runs.at; size_t n = COUNT(c->runs, Run);
    for (size_t i = 0; i < n; i++) {
        if (runs[i].pages < pages) continue;
        u64 pgid = runs[i].start;
        runs[i].start += pages; runs[i].pages -= pages; c->free_count -= pages;
        if (!runs[i].pages) { memmove(runs + i, runs + i + 1, (n - i - 1) * sizeof *runs); c->runs.n -= sizeof *runs; }
        return pgid;
    }
    u64 pgid = c->hwm, needed = (pgid + pages + 1) * c->page_size;
    if (needed >= c->mapped) c->mapped = mmap_size(needed > c->size ? needed : c->size, c->page_size);
    c->hwm += pages;
    return pgid;
}

/* Write what waits. No two pages in it overlap. */
static int flush(Copy *c) {
    Put *puts = (Put *)c->puts.at; size_t n = COUNT(c->puts, Put);
    int ok = 1;
    if (n) qsort(puts, n, sizeof *puts, by_place);
    PyEval_RestoreThread(c->w.thread);
    for (size_t i = 0, next; ok && i < n; i = next) {
        u64 end = puts[i].pgid + puts[i].pages; size_t at = puts[i].at + puts[i].pages * c->page_size;
        for (next = i + 1; next < n && puts[next].pgid == end && puts[next].at == at; next++) {
            end += puts[next].pages; at += puts[next].pages * c->page_size;
        }
        PyObject *view = PyMemoryView_FromMemory((char *)c->out.at + puts[i].at, at - puts[i].at, PyBUF_READ);
        PyObject *done = view ? PyObject_CallFunction(c->write, "KKO", puts[i].pgid, end, view) : NULL;
        ok = done != NULL;
        Py_XDECREF(done); Py_XDECREF(view);
    }
    c->w.raised |= !ok;
    c->w.thread = PyEval_SaveThread();
    c->puts.n = c->out.n = 0;
    return ok;
}

/* Memory for a page run of `size` bytes, zeros behind them; it stays where it is until the next one is asked for. */
static u8 *new_page(Copy *c, u64 size, u64 *pgid, u64 *pages) {
    if (c->out.n >= BATCH && !flush(c)) return NULL;
    *pages = (size + c->page_size - 1) / c->page_size;
    *pgid = allocate(c, *pages);
    Put waiting = {*pgid, *pages, c->out.n};
    u64 whole = *pages * c->page_size;
    u8 *p = whole <= LONGEST ? room(&c->out, whole) : NULL;
    if (!p || !put(&c->puts, &waiting, sizeof waiting)) return NULL;
    memset(p + size, 0, whole - size);
    c->out.n += whole;
    return p;
}

/* --- A bucket's pages --- */

static void fill_leaf(u8 *p, u64 pgid, u64 pages, const Item *items, size_t n) {
    header(p, pgid, LEAF, n, pages - 1);
    u8 *e = p + HEAD, *d = e + ELEM * n;
    for (; n--; items++, e += ELEM) {
        w32(e, items->flags); w32(e + 4, (u32)(d - e)); w32(e + 8, items->key.n); w32(e + 12, items->size);
        memcpy(d, items->key.p, items->key.n); d += items->key.n;
        memcpy(d, items->value, items->size); d += items->size;
    }
}

static void fill_branch(u8 *p, u64 pgid, u64 pages, const Child *children, size_t n) {
    header(p, pgid, BRANCH, n, pages - 1);
    u8 *e = p + HEAD, *d = e + ELEM * n;
    for (; n--; children++, e += ELEM) {
        w32(e, (u32)(d - e)); w32(e + 4, children->key.n); w64(e + 8, children->pgid);
        if (children->key.n) memcpy(d, children->key.p, children->key.n);
        d += children->key.n;
    }
}

static void drop(Text *items, size_t n) {                   /* the first of them */
    Item *all = (Item *)items->at;
    for (size_t i = 0; i < n; i++) if (all[i].flags) free((void *)all[i].value);
    if (n) memmove(all, all + n, items->n - n * sizeof *all);
    items->n -= n * sizeof *all;
}

static u64 item_size(const Item *x) { return (u64)ELEM + x->key.n + x->size; }

/* Split the leaf node into pages, which go to c->up; the last page's node stays. */
static int spill_leaves(Copy *c, Target *t, u64 threshold) {
    const Item *items = (const Item *)t->items.at; size_t left = COUNT(t->items, Item), done = 0;
    if (t->pgid && !release(c, t->pgid, t->pages)) return 0;
    for (;;) {
        size_t n = left; u64 size = t->size;
        if (left > 2 * LEAST && size >= c->page_size) {
            for (n = 0, size = HEAD; n < left - LEAST - 1; n++) {
                u64 after = size + item_size(items + n);
                if (n >= LEAST && after > threshold) break;
                size = after;
            }
        }
        u8 *p = new_page(c, size, &t->pgid, &t->pages);
        Child child = {{NULL, 0}, t->pgid};
        if (n) child.key = items->key;
        if (!p || !put(&c->up, &child, sizeof child)) return 0;
        fill_leaf(p, t->pgid, t->pages, items, n);
        if (n == left) break;
        left -= n; items += n; done += n;
        t->size -= size - HEAD;
    }
    drop(&t->items, done);
    return 1;
}

static int spill_branch(Copy *c, Branch *b, u64 threshold) {
    const Child *children = (const Child *)b->children.at; size_t left = COUNT(b->children, Child), done = 0;
    if (b->pgid && !release(c, b->pgid, b->pages)) return 0;
    for (;;) {
        size_t n = left; u64 size = b->size;
        if (left > 2 * LEAST && size >= c->page_size) {
            for (n = 0, size = HEAD; n < left - LEAST - 1; n++) {
                u64 after = size + ELEM + children[n].key.n;
                if (n >= LEAST && after > threshold) break;
                size = after;
            }
        }
        u8 *p = new_page(c, size, &b->pgid, &b->pages);
        Child child = {children->key, b->pgid};
        if (!p || !put(&c->up, &child, sizeof child)) return 0;
        fill_branch(p, b->pgid, b->pages, children, n);
        if (n == left) break;
        left -= n; children += n; done += n;
        b->size -= size - HEAD;
    }
    memmove(b->children.at, b->children.at + done * sizeof(Child), left * sizeof(Child));
    b->children.n = left * sizeof(Child);
    return 1;
}

/* Write the changed nodes of a bucket to new pages, leaves first; the root's page. */
static int spill(Copy *c, Target *t, u64 *root) {
    u64 threshold = t->full ? c->page_size : c->page_size / 2;
    c->up.n = 0;
    if (!spill_leaves(c, t, threshold)) return 0;
    for (int level = 0; level < t->height || COUNT(c->up, Child) > 1; level++) {
        if (level == LEVELS) return 0;
        Branch *b = t->branches + level;
        if (level == t->height) { b->children.n = b->pgid = 0; b->size = HEAD; t->height++; }
        if (b->children.n) {
            b->children.n -= sizeof(Child);
            b->size -= ELEM + ((Child *)(b->children.at + b->children.n))->key.n;
        }
        const Child *up = (const Child *)c->up.at;
        for (size_t i = 0; i < COUNT(c->up, Child); i++) b->size += ELEM + up[i].key.n;
        if (!put(&b->children, c->up.at, c->up.n)) return 0;
        c->up.n = 0;
        if (!spill_branch(c, b, threshold)) return 0;
    }
    *root = ((const Child *)c->up.at)->pgid;
    return 1;
}

static int write_rest(Copy *c, Target *t, u64 *root);

static int add(Target *t, Item item) { t->size += item_size(&item); return put(&t->items, &item, sizeof item); }

/* Write the changed pages of the bucket path[index]; put its element into its parent, or in the place of the one there. */
static int store(Copy *c, int index) {
    Target *t = c->path + index, *parent = t - 1;
    int is_inline = !t->height && !t->holds && t->size <= c->page_size / 4;
    u64 root = 0;
    if (!is_inline && !(c->capacity ? write_rest : spill)(c, t, &root)) return 0;
    u32 size = VALUE + (is_inline ? (u32)t->size : 0);
    u8 *value = malloc(size);
    if (!value) return 0;
    w64(value, root); w64(value + 8, t->sequence);
    if (is_inline) fill_leaf(value + VALUE, 0, 1, (const Item *)t->items.at, COUNT(t->items, Item));
    if (t->placed) {
        Item *last = (Item *)(parent->items.at + parent->items.n) - 1;
        parent->size -= item_size(last);
        free((void *)last->value);
        parent->items.n -= sizeof *last;
    }
    parent->holds = 1;
    Item item = {t->name, value, size, 1};
    if (add(parent, item)) return 1;
    free(value);
    return 0;
}

/* --- Transactions --- */

static int commit(Copy *c) {
    for (int i = c->depth; i > 0; i--) {
        Target *t = c->path + i;
        if (!t->touched) continue;
        if (!store(c, i)) return 0;
        t->placed = 1; t->touched = t->full = 0;
    }
    if (c->path->touched && !spill(c, c->path, &c->root)) return 0;
    c->path->touched = 0;
    c->transactions++;
    if (!release(c, c->freelist, c->freelist_pages)) return 0;
    u64 ids = c->free_count + c->pending_count, page_size = c->page_size, pgid, pages;
    u64 size = ((HEAD + 8 * (ids + (ids >= IN_FIRST_ID))) / page_size + 1) * page_size;
    u8 *p = new_page(c, size, &pgid, &pages);
    if (!p || !merge(c)) return 0;
    const Run *runs = (const Run *)c->merged.at; size_t n = COUNT(c->merged, Run);
    memset(p, 0, size);
    ids = c->free_count + c->pending_count;
    header(p, pgid, FREELIST, ids < IN_FIRST_ID ? ids : IN_FIRST_ID, pages - 1);
    p += HEAD;
    if (ids >= IN_FIRST_ID) { w64(p, ids); p += 8; }
    for (size_t i = 0; i < n; i++) for (u64 j = 0; j < runs[i].pages; j++, p += 8) w64(p, runs[i].start + j);
    c->freelist = pgid; c->freelist_pages = pages;
    u64 grown = (c->hwm + 1) * page_size;
    if (c->hwm > c->hwm_before && grown > c->size) c->size = c->mapped <= ALLOC_SIZE ? c->mapped : grown + ALLOC_SIZE;
    u64 *meta = c->metas[c->txid % 2];
    meta[0] = c->txid; meta[1] = c->root; meta[2] = pgid; meta[3] = c->hwm;
    return flush(c);
}

/* Something of so many bytes is put into the innermost bucket: into the next transaction, if this one has no room. */
static int put_weight(Copy *c, int64_t weight) {
    if (c->capacity) return 1;
    if (c->limit && c->weight + weight > c->limit && (!commit(c) || !begin_transaction(c))) return 0;
    c->weight += weight;
    Target *t = c->path + c->depth;
    t->full = c->depth > 0;                                 /* the root bucket's pages are filled by half */
    for (; t >= c->path && !t->touched; t--) t->touched = 1;
    return 1;
}

/* --- The densest copy: pages one after the other --- */

static u8 *next_page(Copy *c, u64 size, u64 *pgid) {        /* `size` bytes that nobody reads if nothing is written */
    u64 pages = (size + c->page_size - 1) / c->page_size;
    if (c->write != Py_None) return new_page(c, size, pgid, &pages);
    *pgid = c->hwm;
    c->hwm += pages;
    return c->w.reached;
}

/* Write the first n children of a level's node, as a child of the one above. */
static int write_branch(Copy *c, Branch *b, size_t n, Child *above) {
    const Child *children = (const Child *)b->children.at; size_t left = COUNT(b->children, Child) - n;
    u64 size = HEAD, rest = HEAD;
    for (size_t i = 0; i < n; i++) size += ELEM + children[i].key.n;
    for (size_t i = n; i < n + left; i++) rest += ELEM + children[i].key.n;
    above->key = children->key;
    u8 *p = next_page(c, size, &above->pgid);
    if (!p) return 0;
    if (c->write != Py_None) fill_branch(p, above->pgid, (size + c->page_size - 1) / c->page_size, children, n);
    memmove(b->children.at, b->children.at + n * sizeof(Child), left * sizeof(Child));
    b->children.n = left * sizeof(Child);
    b->fitting = left; b->size = rest;
    return 1;
}

/* Note a page of the level below, and what becomes full by that above. */
static int note(Copy *c, Target *t, int level, Child child) {
    for (;; level++) {
        if (level == LEVELS) return 0;
        Branch *b = t->branches + level;
        if (level == t->height) { b->children.n = b->fitting = 0; b->size = HEAD; t->height++; }
        if (!put(&b->children, &child, sizeof child)) return 0;
        size_t n = COUNT(b->children, Child);
        u64 grown = b->size + ELEM + child.key.n;
        if (n == b->fitting + 1 && (grown <= c->capacity || b->fitting < (4 * grown > c->capacity * (b->fitting + 1) ? ENOUGH : LEAST))) {
            b->size = grown; b->fitting++;
            return 1;
        }
        if (n < b->fitting + LEAST) return 1;
        if (!write_branch(c, b, b->fitting, &child)) return 0;
    }
}

static size_t fitting(const Item *items, size_t n, size_t left, u64 *size, u64 room) {
    while (n < left && *size + item_size(items + n) <= room) *size += item_size(items + n++);
    return n;
}

/* How many elements make the next page run, and their size: those of one page, if they put it to good use. */
static size_t choose(const Copy *c, const Item *items, size_t left, u64 *size) {
    u64 page_size = c->page_size, used = HEAD, above = ELEM + items->key.n;
    size_t n = fitting(items, 0, left, &used, c->capacity), best = 0;
    *size = used;
    if (n == left || (n && used >= FULL * (page_size + above))) return n;
    double share = 0;
    used = HEAD; n = 0;
    for (u64 run = 0; run < RUN; run++) {
        n = fitting(items, n, left, &used, run * page_size + c->capacity);
        if (!n) continue;
        double now = (double)used / ((used + page_size - 1) / page_size * page_size + above);
        if (now > share) { share = now; best = n; *size = used; }
        if (n == left || c->capacity < page_size || now >= FULL) break;
    }
    if (!best) { best = 1; *size = HEAD + item_size(items); }   /* larger than the longest run */
    return best;
}

static int write_leaves(Copy *c, Target *t, u64 least) {    /* until no more than `least` bytes wait */
    const Item *items = (const Item *)t->items.at; size_t left = COUNT(t->items, Item), done = 0;
    for (; t->size > least; ) {
        u64 size; Child child;
        size_t n = choose(c, items, left, &size);
        child.key = items->key;
        u8 *p = next_page(c, size, &child.pgid);
        if (!p) return 0;
        if (c->write != Py_None) fill_leaf(p, child.pgid, (size + c->page_size - 1) / c->page_size, items, n);
        if (!note(c, t, 0, child)) return 0;
        t->size -= size - HEAD;
        items += n; left -= n; done += n;
    }
    drop(&t->items, done);
    return 1;
}

/* Write what is left of a bucket; its root's page. */
static int write_rest(Copy *c, Target *t, u64 *root) {
    if (!write_leaves(c, t, HEAD)) return 0;
    if (!t->height) {
        Child child = {{NULL, 0}, 0};
        u8 *p = next_page(c, HEAD, &child.pgid);
        if (!p) return 0;
        if (c->write != Py_None) fill_leaf(p, child.pgid, 1, NULL, 0);
        if (!note(c, t, 0, child)) return 0;
    }
    for (int level = 0; level < t->height - 1 || COUNT(t->branches[level].children, Child) > 1; level++) {
        Branch *b = t->branches + level; Child child;
        size_t n = COUNT(b->children, Child);
        if (b->fitting < n && b->fitting > LEAST && !(write_branch(c, b, b->fitting - 1, &child) && note(c, t, level + 1, child))) return 0;
        if (!write_branch(c, b, COUNT(b->children, Child), &child) || !note(c, t, level + 1, child)) return 0;
    }
    *root = ((const Child *)t->branches[t->height - 1].children.at)->pgid;
    return 1;
}

/* --- The source --- */

static int copy_tree(Copy *c, u64 pgid, int deep);

static int append(Copy *c, Target *t, Item item) {
    if (!add(t, item)) return 0;
    return !c->capacity || t->size <= RUN * c->page_size || write_leaves(c, t, RUN * c->page_size);
}

static int copy_pair(Copy *c, const Element *x) {
    if (!c->depth || x->flags || !x->key.n || x->key.n > MAX_KEY || x->size > MAX_VALUE) return 0;
    Item item = {x->key, x->value, x->size, 0};
    c->pairs++;
    return put_weight(c, (int64_t)x->key.n + x->size) && append(c, c->path + c->depth, item);
}

static int copy_inline(Copy *c, const u8 *p, const u8 *end) {   /* no check looks at its keys */
    if (end - p < HEAD) return 0;
    u64 word = r64(p + 8), count = word >> 16 & 0xFFFF;
    if ((word & 0xFFFF) != LEAF || HEAD + ELEM * count > (u64)(end - p)) return 0;
    const u8 *e = p + HEAD, *data = e + ELEM * count;
    Key before = {NULL, 0};
    for (; count--; e += ELEM) {
        Element x;
        if (!leaf_element(e, end, &data, &x) || (before.p && !less(before, x.key)) || !copy_pair(c, &x)) return 0;
        before = x.key;
    }
    return 1;
}

static int copy_bucket(Copy *c, const Element *x, int deep) {
    if (x->flags != 1 || !x->key.n || x->key.n > MAX_KEY || x->size < VALUE || c->depth == DEEPEST) return 0;
    u64 root = r64(x->value);
    if (!put_weight(c, x->key.n)) return 0;
    Target *t = c->path + ++c->depth;
    t->name = x->key; t->sequence = r64(x->value + 8); t->size = HEAD;
    t->pgid = t->full = t->placed = t->holds = t->height = 0;
    t->touched = 1;
    c->buckets++;
    int ok = root ? copy_tree(c, root, deep + 1) : copy_inline(c, x->value + VALUE, x->value + x->size);
    if (!ok || (t->touched && !store(c, c->depth))) return 0;   /* where it stays is where it is freed */
    drop(&t->items, COUNT(t->items, Item));
    c->depth--;
    return !c->capacity || (t - 1)->size <= RUN * c->page_size || write_leaves(c, t - 1, RUN * c->page_size);
}

static int copy_tree(Copy *c, u64 pgid, int deep) {
    Page page;
    if (deep > DEEPEST || !enter(&c->w, pgid, &page)) return 0;
    const u8 *e = page.p + HEAD, *data = e + ELEM * (u64)page.count;
    if (page.flags == BRANCH && page.count) {
        for (u32 i = 0; i < page.count; i++, e += ELEM) if (!copy_tree(c, r64(e + 8), deep + 1)) return 0;
        return 1;
    }
    if (page.flags != LEAF) return 0;
    for (u32 i = 0; i < page.count; i++, e += ELEM) {
        Element x;
        if (!leaf_element(e, page.end, &data, &x)) return 0;
        if (x.flags ? !copy_bucket(c, &x, deep) : !copy_pair(c, &x)) return 0;
    }
    return 1;
}

PyObject *py_copy(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root, size, capacity; long long limit; PyObject *tick, *write, *result = NULL;
    if (!PyArg_ParseTuple(args, "y*KKKOKLKO", &file, &page_size, &most, &root, &tick, &size, &limit, &capacity, &write)) return NULL;
    Copy *c = calloc(1, sizeof *c);
    if (!c) PyErr_NoMemory();
    else if (begin(&c->w, &file, page_size, most, tick)) {
        /* As bbolt creates a file: two metas, an empty freelist, an empty leaf for the root bucket. */
        Target *top = c->path;
        c->write = write; c->page_size = size; c->limit = limit; c->capacity = capacity;
        c->hwm = capacity ? 3 : 4; c->root = 3; c->txid = 1; c->freelist = 2; c->freelist_pages = 1;
        c->size = 4 * size; c->mapped = mmap_size(c->size, size);
        for (int i = 0; i < 2; i++) { c->metas[i][0] = i; c->metas[i][1] = 3; c->metas[i][2] = 2; c->metas[i][3] = 4; }
        top->pgid = 3; top->pages = 1; top->size = HEAD;
        int ok = size >= 1024 && size <= 65536 && begin_transaction(c) && copy_tree(c, root, 0);
        if (ok && !capacity) ok = commit(c);
        if (ok && capacity) {
            ok = write_rest(c, top, c->metas[0] + 1) && flush(c);
            c->metas[0][3] = c->hwm; c->size = c->hwm * size; c->transactions = 1;
        }
        const u64 (*m)[4] = (const u64 (*)[4])c->metas;
        result = !finish(&c->w, ok) ? none(&c->w) : Py_BuildValue("(KKKK)(KKKK)KKKK",
            m[0][0], m[0][1], m[0][2], m[0][3], m[1][0], m[1][1], m[1][2], m[1][3], c->size, c->transactions, c->pairs, c->buckets);
    }
    if (c) {
        for (int i = 0; i < DEEPEST + 2; i++) {
            Target *t = c->path + i;
            drop(&t->items, COUNT(t->items, Item));
            free(t->items.at);
            for (int level = 0; level < LEVELS; level++) free(t->branches[level].children.at);
        }
        free(c->up.at); free(c->runs.at); free(c->merged.at); free(c->pending.at); free(c->out.at); free(c->puts.at);
        free(c->w.reached); free(c);
    }
    PyBuffer_Release(&file);
    return result;
}
