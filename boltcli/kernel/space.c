/* top: what takes the space. A record a bucket, each after the one that holds it; a record a leaf page. */
#include "walk.h"

/* Buckets more than `levels` below the first one count to the one at that level: their `group`. */
typedef struct {
    u64 name, name_size, parent, group, nesting, root, end, pairs, bytes, first, leaves;
} Place;                                                    /* of an inline bucket `root` is where its page is */
typedef struct { u64 offset, end, pairs, bytes; } LeafPlace;
typedef struct { u64 size, key, key_size, bucket; } Pair;
enum { BINS = 33, TENTHS = 10 };

typedef struct {
    Walk w; Text places, leaves; u64 levels, keep, kept; Pair *largest;
    struct { u64 pairs, leaf_pages, overflow, dense, keys[BINS], values[BINS], fills[TENTHS]; } sum;
    u64 elements, bytes, key_bytes; int holds;              /* of one bucket, those of the buckets in it included */
} Space;
#define PLACE(i) (((Place *)s->places.at) + (i))            /* it moves as the list grows */

/* The largest come first; of those of one size the first in the file. */
static void note_pair(Space *s, u64 size, u64 key, u64 key_size, u64 bucket) {
    u64 at = s->kept < s->keep ? s->kept++ : s->keep - 1;
    Pair *p = s->largest;
    for (; at && (p[at - 1].size < size || (p[at - 1].size == size && p[at - 1].key > key)); at--) p[at] = p[at - 1];
    Pair pair = {size, key, key_size, bucket};
    p[at] = pair;
}

static int space_leaf(Space *s, size_t self, const u8 *p, const u8 *end, u32 count) {
    const u8 *e = p + HEAD, *data = e + (u64)ELEM * count, *base = s->w.base;
    size_t group = PLACE(self)->group;
    u64 pairs = 0, bytes = 0, all = 0;
    for (u32 i = 0; i < count; i++, e += ELEM) {
        Element x; Bucket b;
        if (!leaf_element(e, end, &data, &x)) return 0;
        u64 size = (u64)x.key.n + x.size;
        all += ELEM + size; s->key_bytes += x.key.n;
        if (x.flags & 1) {
            Place *me = PLACE(self);
            if (!me->root || !open_bucket(&x, &b)) return 0;
            u64 nesting = me->nesting + 1, inl = (u64)(x.value - base) + VALUE, index = s->places.n / sizeof(Place);
            Place child = {x.key.p - base, x.key.n, self, nesting > s->levels ? group : index, nesting,
                           b.root, b.root ? 0 : (u64)(x.value - base) + x.size, 0, 0, 0, 0};
            if (!b.root) child.first = inl;
            if (!put(&s->places, &child, sizeof child)) return 0;
            s->holds = 1;
            continue;
        }
        pairs++; bytes += ELEM + size;
        s->sum.keys[bits(x.key.n)]++; s->sum.values[bits(x.size)]++;
        if (s->keep) {
            Pair *least = s->largest + s->keep - 1;
            u64 key = x.key.p - base;
            if (s->kept < s->keep || size > least->size || (size == least->size && key < least->key))
                note_pair(s, size, key, x.key.n, self);
        }
    }
    s->elements += count; s->bytes += all; s->sum.pairs += pairs;
    Place *to = PLACE(group);
    to->pairs += pairs; to->bytes += bytes;
    if (group != self || !count) return 1;
    LeafPlace leaf = {p - base, end - base, pairs, bytes};
    to->leaves++;
    return put(&s->leaves, &leaf, sizeof leaf);
}

static int space_tree(Space *s, size_t self, u64 pgid, int depth) {
    Page page;
    if (depth > DEEPEST || !enter(&s->w, pgid, &page)) return 0;
    s->sum.overflow += page.over;
    if (page.flags == LEAF) {
        if (!page.count && depth) return 0;                 /* it may hide something: Python says what */
        u64 before = s->bytes, room = page.end - page.p;
        if (!space_leaf(s, self, page.p, page.end, page.count)) return 0;
        u64 tenth = TENTHS * (HEAD + s->bytes - before) / room;
        s->sum.leaf_pages++; s->sum.fills[tenth < TENTHS ? tenth : TENTHS - 1]++;
        return 1;
    }
    if (page.flags != BRANCH || !page.count) return 0;
    const u8 *e = page.p + HEAD + 8;
    for (u32 i = 0; i < page.count; i++, e += ELEM) if (!space_tree(s, self, r64(e), depth + 1)) return 0;
    return 1;
}

/* About how many pages a dense copy of a bucket has: space_walk.py explains it. */
static u64 dense_pages(u64 n, u64 bytes, u64 key_bytes, int holds, u64 size) {
    if (!holds && HEAD + bytes <= size / 4) return 0;
    if (HEAD + bytes <= size) return 1;
    u64 mean = bytes / n, room = 8 * mean <= size ? size - HEAD - mean / 2 : size * 15 / 16;
    u64 pages = mean > 16 * size ? (bytes + n * size / 2) / size : (bytes + room - 1) / room;
    u64 level = 8 * mean <= size ? pages : ((n < pages ? n : pages) + 3) / 4;
    u64 fan = (size - HEAD) / (ELEM + key_bytes / n);
    if (fan < 2) fan = 2;
    while (level > 1) { level = (level + fan - 1) / fan; pages += level; }
    return pages;
}

PyObject *py_space(PyObject *self, PyObject *args) {
    Py_buffer file; unsigned long long page_size, most, root, levels, keep, dense; PyObject *tick, *result = NULL; Space space, *s = &space;
    if (!PyArg_ParseTuple(args, "y*KKKOKKK", &file, &page_size, &most, &root, &tick, &levels, &keep, &dense)) return NULL;
    memset(s, 0, sizeof *s);
    s->levels = levels; s->keep = keep;
    s->largest = calloc(keep + 1, sizeof(Pair));
    if (!s->largest) PyErr_NoMemory();
    else if (begin(&s->w, &file, page_size, most, tick)) {
        Place top = {0};
        top.root = root;
        int ok = dense >= 256 && put(&s->places, &top, sizeof top);
        for (size_t i = 0; ok && i < s->places.n / sizeof(Place); i++) {
            Place *me = PLACE(i);
            u64 inl = me->first;
            s->elements = s->bytes = s->key_bytes = 0; s->holds = !i;
            me->first = s->leaves.n / sizeof(LeafPlace);
            if (me->root) {
                ok = space_tree(s, i, me->root, 0);
                s->sum.dense += dense_pages(s->elements, s->bytes, s->key_bytes, s->holds, dense);
            } else {
                const u8 *p = s->w.base + inl, *end = s->w.base + me->end;
                u64 count = r64(p + 8) >> 16 & 0xFFFF;      /* once more: it may have changed */
                ok = HEAD + ELEM * count <= (u64)(end - p) && space_leaf(s, i, p, end, count);
            }
        }
        result = !finish(&s->w, ok) ? none(&s->w) : Py_BuildValue("y#y#y#y#y#",
            s->places.at, s->places.n, s->leaves.at ? s->leaves.at : (u8 *)"", s->leaves.n, &s->sum, sizeof s->sum,
            s->largest, (Py_ssize_t)(s->kept * sizeof(Pair)), s->w.reached, (Py_ssize_t)s->w.limit);
    }
    free(s->places.at); free(s->leaves.at); free(s->largest); free(s->w.reached); PyBuffer_Release(&file);
    return result;
}

