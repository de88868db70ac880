/* The plugin ABI of Mayfly: what a shared library and its host agree on. C11, nothing to link.
 *
 * STATE      Major 1, frozen: what is here stays where it is and means what it means. A later minor
 *            only appends, and a plugin of any minor up to the host's loads.
 * ENTRY      One exported symbol, MAYFLY_PLUGIN_ENTRY, of type mayfly_plugin_entry.
 * GROWTH     Every struct that crosses the boundary starts with struct_size or travels in a
 *            mayfly_table with its element size; fields are only appended. tests/abi/layout.lock holds
 *            every offset, and a test compares.
 * OWNERSHIP  Whoever made a pointer owns it. What a call receives is valid until the call returns,
 *            except mayfly_host, mayfly_context and a schema, which live as long as the instance.
 * THREADS    All calls into one instance are serial (a source: open and poll on its own thread). Host
 *            functions may be called from inside a call only, by the thread that makes it, unless they
 *            say otherwise. `fingerprint` alone may run beside another call.
 * ERRORS     Calls return MAYFLY_OK or another mayfly_result. Nothing throws across the boundary.
 * TIME       Nanoseconds. now_ns is monotonic; wall-clock time is stored by the host alone.
 * TEXT       UTF-8, not terminated, unless the type is const char *.
 */
#ifndef MAYFLY_ABI_MAYFLY_ABI_H_
#define MAYFLY_ABI_MAYFLY_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAYFLY_ABI_MAJOR 1
#define MAYFLY_ABI_MINOR 2
#define MAYFLY_PLUGIN_ENTRY "mayfly_plugin_v1"

/* Rows of a batch are numbered with 16 bits, and MAYFLY_ROW_NONE ends a chain. */
#define MAYFLY_BATCH_ROWS_MAX 65534u
#define MAYFLY_ROW_NONE 0xFFFFu
/* A row reference is batch << 16 | row. */
#define MAYFLY_REF_NONE 0xFFFFFFFFu

typedef int32_t mayfly_result;
enum {
  MAYFLY_OK = 0,
  MAYFLY_END = 1,      /* poll: the source has ended; what the batch holds is its last */
  MAYFLY_IDLE = 2,     /* poll: nothing more before the deadline */
  MAYFLY_BLOCKED = 3,  /* process: no batch to be had; call again with the same slice */
  MAYFLY_FULL = 4,     /* batch_reserve: send this batch first */
  MAYFLY_FAILED = -1   /* the reason was given to host->fail */
};

/* Classes of failure, for host->fail: they decide the exit status. */
enum {
  MAYFLY_FAIL_INTERNAL = 0,
  MAYFLY_FAIL_CONFIG = 1,        /* an option, a schema that doesn't fit */
  MAYFLY_FAIL_INPUT_MISSING = 2, /* not there, not readable, changed since the mark */
  MAYFLY_FAIL_IO = 3             /* reading failed half way, a corrupt archive */
};

/* Bytes of text. */
typedef struct mayfly_text {
  const char *data;
  uint64_t size;
} mayfly_text;

/* An array of structs that may grow: element_size is that of whoever made it. */
typedef struct mayfly_table {
  const void *data;
  uint32_t count;
  uint32_t element_size;
} mayfly_table;

/* ---- data ------------------------------------------------------------------------------------- */

enum {
  MAYFLY_INT64 = 0,
  MAYFLY_FLOAT64 = 1,
  MAYFLY_TEXT = 2,
  MAYFLY_BLOB = 3,
  MAYFLY_BOOL = 4,      /* 0 or 1 in i64 */
  MAYFLY_TIMESTAMP = 5, /* microseconds since 1970 in i64 */
  MAYFLY_JSON = 6,      /* text of a JSON object or array */
  MAYFLY_ANY = 7        /* each value has its own type, in mayfly_column.kinds */
};

/* A text or blob of a row. */
typedef struct mayfly_span {
  uint32_t offset; /* into mayfly_batch.heap */
  uint32_t size;
} mayfly_span;

/* One value; which member counts is the column's type. */
typedef union mayfly_cell {
  int64_t i64;
  double f64;
  mayfly_span span;
} mayfly_cell;

/* Bit r of a bitmap is bit r % 64 of word r / 64. */
typedef struct mayfly_column {
  int32_t type;
  uint32_t flags;
  mayfly_cell *cells;   /* [capacity] */
  uint64_t *valid;      /* bit set: not NULL */
  uint64_t *exceptions; /* bit set: another type than the column's; the cell is a text span */
  uint8_t *kinds;       /* MAYFLY_ANY alone: MAYFLY_INT64 ... MAYFLY_JSON, one a row */
} mayfly_column;

enum {
  MAYFLY_COLUMN_NOT_NULL = 1u,
  MAYFLY_COLUMN_KEY = 2u
};

/* One column of a schema. */
typedef struct mayfly_column_info {
  mayfly_text name;
  int32_t type;
  uint32_t flags;
} mayfly_column_info;

/* The columns of a batch. */
typedef struct mayfly_schema {
  const mayfly_column_info *columns;
  uint32_t count;
} mayfly_schema;

/* What became of a row. A row is answered exactly once: PENDING -> one of the others. */
enum {
  MAYFLY_PENDING = 0,
  MAYFLY_WRITTEN = 1,       /* committed: inserted, updated or replaced */
  MAYFLY_IGNORED = 2,       /* committed: a conflict said to leave the old row */
  MAYFLY_DEAD_LETTERED = 3, /* committed to the dead-letter table */
  MAYFLY_DROPPED = 4,       /* a node let it go, for a reason it named */
  MAYFLY_CONSUMED = 5,      /* a transform took it, and what it made is answered; or a sink did */
  MAYFLY_HANDED_BACK = 6,   /* to its producer, at a drain's deadline */
  MAYFLY_LEFT = 7,          /* for the next run to read again */
  MAYFLY_UNKNOWN = 8        /* the disk failed in COMMIT: perhaps written */
};

/* Columns of typed values and columns of bookkeeping over the same rows. Values, bitmaps and heap are
 * immutable once the batch was sent; after that only the words under `meta` change, each by whoever has
 * the row: the node it is in, else the host. */
typedef struct mayfly_batch {
  uint32_t struct_size;
  uint32_t id;       /* index in the pool */
  uint32_t capacity; /* rows */
  uint32_t rows;     /* filled so far */
  mayfly_column *columns;
  uint32_t column_count;
  uint32_t heap_capacity; /* bytes */
  char *heap;
  uint32_t heap_used;
  uint32_t flags;
  /* meta, filled by whoever makes the row ([capacity] each) */
  uint64_t *ordinal;    /* number of the record within its source, from 0 */
  uint64_t *byte_end;   /* offset just after the record in the source's (uncompressed) bytes */
  uint64_t *line;       /* the record's first line, from 1; 0 when unknown */
  uint64_t *key_hash;   /* for nodes that spread or order by key */
  int64_t *enqueued_ns; /* when the row was made */
  uint8_t *priority;
  mayfly_span *raw;     /* error rows: the first bytes of the record */
  mayfly_span *message; /* error rows: what was expected and what was found */
  /* meta, filled by nodes */
  uint16_t *route;    /* where the row goes: a port's index or MAYFLY_HOLD ... */
  uint16_t *reason;   /* for REJECT and DROP: index into the plugin's reasons[] */
  int64_t *due_ns;    /* for HOLD: release then; 0: when host->resume asks */
  uint64_t *hold_tag; /* for HOLD: which queue of held rows */
  /* meta, the host's alone */
  uint16_t *source;  /* index of the source or producer */
  uint16_t *attempt; /* attempts that failed in a row, at the place that failed it last; 0: none did */
  uint8_t *outcome;  /* MAYFLY_PENDING ... */
  uint16_t *holds;   /* activation in which it was held, and how often */
  uint16_t *judge;   /* node that rejected or dropped the row */
  uint32_t *ticket;
  uint64_t *owed;         /* bit n: node n waits for this row's answer */
  uint16_t *next;         /* next row of the slice */
  uint32_t *extent;       /* in a slice's head row: rows | input << 16 | MAYFLY_EXTENT_DENSE */
  uint32_t *hold_next;    /* next held row, any batch */
  uint32_t *parent;       /* first row this one was made from */
  uint32_t *parent_next;  /* next row that made the same child */
  uint32_t *children;     /* rows made from this one and not yet answered */
  /* Sources: the line at which the record behind the last row begins, blank lines between them left
   * out of account; 0: unknown, or one after the last row's. */
  uint64_t next_line;
  /* meta, the host's alone */
  uint64_t *passed; /* which nodes with MAYFLY_ASKED_ONCE let the row go, and how */
} mayfly_batch;

#define MAYFLY_EXTENT_DENSE 0x80000000u

/* Routes that aren't ports. */
enum {
  MAYFLY_HOLD = 0xFFFF,
  MAYFLY_REJECT = 0xFFFE,  /* to the dead-letter table, with reason[row] */
  MAYFLY_DROP = 0xFFFD,    /* let go, with reason[row]; counted */
  MAYFLY_CONSUME = 0xFFFC, /* something was made from it; answered with that. Or a sink took it */
  MAYFLY_PORTS_MAX = 64
};

enum {
  MAYFLY_SLICE_RESUMED = 1u,     /* these rows were held here before */
  MAYFLY_SLICE_END_OF_GROUP = 2u /* last slice of one host->resume */
};

/* Some rows of one batch, in order. Wholly new or wholly released. */
typedef struct mayfly_slice {
  uint32_t struct_size;
  uint32_t flags;
  mayfly_batch *batch;
  const uint16_t *rows; /* [count], row numbers */
  uint32_t count;
  uint32_t input;    /* which of the node's inputs */
  uint64_t hold_tag; /* RESUMED: the queue the rows were held in */
  int64_t now_ns;
} mayfly_slice;

/* "child was made from parent". Either a child has several parents or a parent several children. The
 * parent is a row of the slice at hand that the node consumes in this call, or one that it consumed
 * before in a released group that isn't over and has made nothing of yet; never one that it still
 * holds. The writer answers it with its last child; one from which nothing was made is answered at
 * the end of the call that consumes it, or of the group. */
typedef struct mayfly_lineage {
  uint32_t parent; /* row reference */
  uint16_t child;  /* row of the emitted batch */
  uint16_t reserved;
} mayfly_lineage;

/* ---- options and other tables ----------------------------------------------------------------- */

enum {
  MAYFLY_OPTION_BOOL = 0,
  MAYFLY_OPTION_INT = 1,
  MAYFLY_OPTION_FLOAT = 2,
  MAYFLY_OPTION_DURATION = 3, /* "250ms"; value in nanoseconds */
  MAYFLY_OPTION_SIZE = 4,     /* "2MiB"; value in bytes */
  MAYFLY_OPTION_TEXT = 5,
  MAYFLY_OPTION_CHOICE = 6,   /* one of `choices`; i64 is its index */
  MAYFLY_OPTION_LIST = 7      /* of texts */
};

enum {
  MAYFLY_OPTION_REQUIRED = 1u,
  MAYFLY_OPTION_UNIQUE = 2u, /* of a source: names what is read, so no two of a pipeline have the same */
  MAYFLY_OPTION_SIGNALS = 4u, /* a node's TEXT or LIST: globs of signals, which on_signal gets */
  MAYFLY_OPTION_RUNTIME = 8u  /* may change while rows flow: set_option */
};

/* An option that a plugin takes. */
typedef struct mayfly_option {
  const char *name;
  uint32_t type;
  uint32_t flags;
  const char *default_value; /* as text; NULL: none */
  const char *minimum;       /* as text, inclusive; NULL: none */
  const char *maximum;
  const char *choices; /* "a|b|c" */
  const char *help;    /* a sentence */
} mayfly_option;

/* An option's value, as configure gets it. */
typedef struct mayfly_value {
  uint32_t type;
  uint32_t is_set; /* 1 when given or by default */
  int64_t i64;
  double f64;
  mayfly_text text;
  const mayfly_text *list;
  uint64_t list_count;
} mayfly_value;

/* A named thing with a sentence about it: ports, counters, reasons, signals raised and listened to. */
typedef struct mayfly_named {
  const char *name;
  const char *help;
} mayfly_named;

/* ---- host ------------------------------------------------------------------------------------- */

typedef struct mayfly_context mayfly_context; /* one instance, as the host sees it */

typedef struct mayfly_expressions mayfly_expressions; /* SQL, as the host has prepared it */

/* What an expression is for a row. */
enum {
  MAYFLY_FALSE = 0,
  MAYFLY_TRUE = 1,
  MAYFLY_NULL = 2,
  MAYFLY_ERROR = 3 /* it can't be evaluated: too large a number, text that is no JSON */
};

/* mayfly_signal.listen of what option i named is MAYFLY_LISTEN_OPTION + i. */
#define MAYFLY_LISTEN_OPTION 0x10000u

/* A signal, as a plugin that listens gets it. */
typedef struct mayfly_signal {
  uint32_t listen; /* index into the plugin's listens[], or MAYFLY_LISTEN_OPTION + index */
  uint32_t reserved;
  mayfly_text name; /* composed: stem or stem:argument */
  int64_t at_ns;
} mayfly_signal;

enum { MAYFLY_LOG_DEBUG = 0, MAYFLY_LOG_INFO = 1, MAYFLY_LOG_WARN = 2, MAYFLY_LOG_ERROR = 3 };

/* What a metric does: count up for as long as the pipeline runs, or rise and fall. */
enum { MAYFLY_METRIC_COUNTER = 0, MAYFLY_METRIC_GAUGE = 1 };

/* A figure of the pipeline. Its texts live as long as the pipeline. */
typedef struct mayfly_metric {
  mayfly_text instance; /* of a source or node; empty: of the whole pipeline */
  mayfly_text name;
  uint32_t kind;
  uint32_t reserved;
  uint64_t value;
} mayfly_metric;

/* How the signals of the pipeline are kept in a database. */
typedef struct mayfly_store_options {
  uint32_t struct_size;
  uint32_t restore;              /* 1: what was stored before is raised again, before rows flow */
  mayfly_text database;          /* a path; empty: the pipeline's own */
  mayfly_text restore_pattern;   /* globs, comma-separated */
  int64_t restore_age_ns;        /* of signals that are raised again; INT64_MAX: any */
  int64_t flush_interval_ns;     /* INT64_MAX: at the end, when half full, and when asked */
  uint64_t signals_per_flush;    /* in one transaction */
  uint64_t pending_max;          /* not stored yet; beyond, the newest aren't stored, and counted */
  uint64_t keep_max;             /* stored; the oldest are deleted beyond; 0: any number */
  int64_t keep_age_ns;           /* the same by age; INT64_MAX: any */
} mayfly_store_options;

/* What a store has done. */
typedef struct mayfly_store_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t pending;  /* raised, and not stored yet */
  uint64_t flushed;
  uint64_t dropped;  /* that won't be stored: pending_max was reached */
  uint64_t stored;   /* rows on disk */
  uint64_t pruned;
  uint64_t restored;
  uint64_t failures; /* of flushes */
} mayfly_store_stats;

/* What a plugin may call. */
typedef struct mayfly_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  /* Any call. */
  int64_t (*now_ns)(mayfly_context *ctx);
  uint64_t (*random_u64)(mayfly_context *ctx);
  void (*log)(mayfly_context *ctx, int32_t level, mayfly_text text);
  /* Records why the call is about to return MAYFLY_FAILED; returns MAYFLY_FAILED. In configure and
   * open a text "option: expected ..., found ..." is told with the place of that option in the
   * file. */
  mayfly_result (*fail)(mayfly_context *ctx, int32_t failure_class, mayfly_text text);
  void (*counter_add)(mayfly_context *ctx, uint32_t counter, uint64_t delta);
  /* raise/retract: `signal` is an index into the plugin's raises[]; an empty argument gives the stem. */
  void (*signal_raise)(mayfly_context *ctx, uint32_t signal, mayfly_text argument);
  void (*signal_retract)(mayfly_context *ctx, uint32_t signal, mayfly_text argument);
  /* open only. Sources and transforms declare what they put out, column by column. */
  mayfly_result (*declare_column)(mayfly_context *ctx, mayfly_text name, int32_t type,
                                  uint32_t flags);
  /* open only. What the source is called in the offsets table; without it, the instance's name. */
  void (*source_key)(mayfly_context *ctx, mayfly_text key);
  /* Nodes: what comes in; NULL before open. */
  const mayfly_schema *(*schema)(mayfly_context *ctx);
  /* Nodes. One timer an id, ids 0-63; setting it again moves it. */
  void (*timer_set)(mayfly_context *ctx, uint32_t timer, int64_t due_ns);
  void (*timer_cancel)(mayfly_context *ctx, uint32_t timer);
  /* Nodes. Releases up to max_rows rows held under tag, oldest first; they come in later calls of
   * process, the last slice with END_OF_GROUP. Returns how many will come. */
  uint64_t (*resume)(mayfly_context *ctx, uint64_t tag, uint64_t max_rows);
  uint64_t (*held)(mayfly_context *ctx, uint64_t tag);
  /* Sources (poll) and transforms. Makes room for `bytes` more in the batch's heap. MAYFLY_FULL: send
   * the batch first; a batch without rows gets a larger heap, up to the host's max_row_bytes. */
  mayfly_result (*batch_reserve)(mayfly_context *ctx, mayfly_batch *batch, uint64_t bytes);
  /* Sources. Appends an error row, whose values are NULL: it goes past the nodes to the dead-letter
   * table. `reason` indexes reasons[]. Keeps the first 64 KiB of raw. */
  mayfly_result (*reject)(mayfly_context *ctx, mayfly_batch *batch, uint64_t ordinal,
                          uint64_t byte_end, uint64_t line, uint32_t reason, mayfly_text message,
                          mayfly_text raw);
  /* Transforms. NULL when none is free: return MAYFLY_BLOCKED before the slice's first emit. Two at a
   * time are sure to come free; a call that needs more holds the rows it can't do yet. */
  mayfly_batch *(*batch_new)(mayfly_context *ctx);
  /* Takes the batch over, also when it fails. */
  mayfly_result (*emit)(mayfly_context *ctx, uint32_t port, mayfly_batch *batch,
                        const mayfly_lineage *lineage, uint32_t lineage_count);
  /* Nodes, from open on. How many signals are present that `listen` (as in mayfly_signal) means:
   * raised, not retracted, not too old for the sink. A look at the whole window: for decisions, not
   * for rows. Retractions and ageing aren't delivered: set a timer to look again. */
  uint64_t (*signals_present)(mayfly_context *ctx, uint32_t listen);
  /* Nodes, in open. SQL expressions over the columns that come in, evaluated row by row by the host's
   * SQLite: no subqueries, no aggregates. They live as long as the instance. NULL: one can't be read;
   * why is recorded, so return MAYFLY_FAILED. */
  mayfly_expressions *(*expr_prepare)(mayfly_context *ctx, const mayfly_text *expressions,
                                      uint32_t count);
  /* Nodes, in process. What the first expression is for each row of the slice, in its order. */
  mayfly_result (*expr_test)(mayfly_context *ctx, mayfly_expressions *expressions,
                             const mayfly_slice *slice, uint8_t *truth);
  /* Transforms, in process. Appends a row to `made`, whose column i is expression i, for each of the
   * slice's rows from `first` on, until one doesn't fit; *taken says for how many. truth[k] of row k:
   * MAYFLY_TRUE, or MAYFLY_ERROR where nothing was appended. */
  mayfly_result (*expr_fill)(mayfly_context *ctx, mayfly_expressions *expressions,
                             const mayfly_slice *slice, uint32_t first, mayfly_batch *made,
                             uint8_t *truth, uint32_t *taken);
  /* Sinks, ANY THREAD, from open until destroy returns: on_wake will be called, once or more. */
  void (*wake)(mayfly_context *ctx);
  /* Any call. Nanoseconds since 1970, by the wall clock: for what leaves the process. */
  int64_t (*unix_ns)(mayfly_context *ctx);
  /* Nodes, but for configure and open. The pipeline's figures of this moment: as many as there is
   * room for. Returns how many there are; always the same, in the same order. */
  uint32_t (*metrics)(mayfly_context *ctx, mayfly_metric *out, uint32_t capacity);
  /* Nodes, in open, once: from the first row on, what is raised in the pipeline is stored too. The
   * database is opened after open has returned; whether it can be isn't known before. */
  mayfly_result (*store_open)(mayfly_context *ctx, const mayfly_store_options *options);
  /* Nodes that have a store, while rows flow. Asks for what is pending to be stored, and doesn't
   * wait for it. */
  void (*store_flush)(mayfly_context *ctx);
  mayfly_result (*store_stats)(mayfly_context *ctx, mayfly_store_stats *out);
  /* Since 1.1. Nodes, in configure. Whether what this option holds can be prepared in open, as far as
   * that is known without columns: MAYFLY_FAILED if it can't be read or isn't an expression over a row,
   * and why is recorded. What expr_prepare says of it later names the option, too. */
  mayfly_result (*expr_check)(mayfly_context *ctx, uint32_t option, mayfly_text expression);
  /* Since 1.2. Sources, in open. How the raw bytes of a record that it rejects are to be read again: a
   * JSON object of options of the plugin dead_letters, "columns" among them. It is kept with the
   * records. Without it they are taken for CSV with commas, their fields for the table's columns. */
  void (*record_format)(mayfly_context *ctx, mayfly_text format);
} mayfly_host;

/* ---- the plugin ------------------------------------------------------------------------------- */

/* A sink is a node that may own threads; it may have no port, and what it takes it routes to
 * MAYFLY_CONSUME. Its threads call nothing but host->wake. */
enum { MAYFLY_SOURCE = 1, MAYFLY_NODE = 2, MAYFLY_SINK = 3 };

enum {
  MAYFLY_KEEPS_ORDER = 1u,       /* never holds, one output row per input row */
  MAYFLY_HOLDS = 2u,             /* uses MAYFLY_HOLD */
  MAYFLY_KEEPS_KEY_ORDER = 4u,   /* holds, but never lets a row overtake one of its key */
  MAYFLY_WANTS_COMPLETIONS = 8u, /* rows that pass owe this node their answer */
  MAYFLY_TRANSFORMS = 16u,       /* declares its output's columns, consumes and emits */
  MAYFLY_DELAYS = 32u,           /* what goes round a cycle waits here for a time: each has such a node */
  MAYFLY_REPLAYABLE = 64u,       /* sources: can read again from a mark */
  MAYFLY_SPLITS = 128u,          /* transforms: one row may become several */
  MAYFLY_PARSES_TEXT = 256u,     /* sources: numbers were read from text, and 1.50 has become 1.5 */
  /* Nodes that make no rows: ports behind the first may be left unjoined, and what is sent there is
   * dropped, with the reason port_not_joined. Of a sink any port may be, and what is sent there was
   * taken, as by MAYFLY_CONSUME. */
  MAYFLY_OPTIONAL_PORTS = 512u,
  /* Sinks: the last port is for rows that couldn't be delivered and may be tried again. What is sent
   * there counts as a failed attempt, as by the writer: nodes that it meets again get the completion
   * PENDING first. It may be left unjoined: then such rows are dead letters, with reason[row]. */
  MAYFLY_FAILS_ATTEMPTS = 1024u,
  /* Nodes of one or two ports that make no rows: a row that it sent, and that comes again since an
   * attempt behind it failed, isn't given to it once more; the host sends it by the same port. */
  MAYFLY_ASKED_ONCE = 2048u,
  /* It calls host->store_open; its option `database`, if it has one, names the database (none or "":
   * the writer's). With it two of them in one database are found before anything is opened. */
  MAYFLY_KEEPS_SIGNALS = 4096u
};

/* Where a source goes on. */
typedef struct mayfly_position {
  uint32_t struct_size;
  uint32_t resumed;        /* 0: from the start; the rest is zero */
  uint64_t ordinal;        /* of the next record */
  uint64_t byte;           /* where it begins */
  uint64_t line;           /* its line */
  mayfly_text fingerprint; /* what `fingerprint` said of the source at this byte */
} mayfly_position;

/* What a plugin is: its names, tables and functions. */
typedef struct mayfly_plugin {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const char *name; /* [a-z][a-z0-9_]* */
  const char *version;
  const char *summary; /* a sentence */
  uint32_t kind;
  uint32_t flags;
  mayfly_table options;  /* of mayfly_option */
  mayfly_table ports;    /* of mayfly_named; nodes and sources, at least one */
  mayfly_table counters; /* of mayfly_named */
  mayfly_table reasons;  /* of mayfly_named: codes for REJECT, DROP and host->reject */
  mayfly_table raises;   /* of mayfly_named: stems */
  mayfly_table listens;  /* of mayfly_named: globs */
  uint32_t state_size;   /* the host allocates it, zeroed, and frees it after destroy */
  uint32_t state_align;
  /* Checks option values against each other. No I/O: `mayfly validate` calls it. values: [options]. */
  mayfly_result (*configure)(void *state, const mayfly_host *host, mayfly_context *ctx,
                             const mayfly_value *values);
  /* Before the first row. Sources do their first I/O here; position is NULL for nodes. */
  mayfly_result (*open)(void *state, const mayfly_position *position);
  /* Sources: append rows to an empty batch, return by deadline_ns (monotonic). */
  mayfly_result (*poll)(void *state, mayfly_batch *batch, int64_t deadline_ns);
  /* Sources, any thread: up to `capacity` bytes that identify the source as it was read up to `byte`;
   * returns how many were written. */
  uint64_t (*fingerprint)(void *state, uint64_t byte, char *out, uint64_t capacity);
  /* Sources: bytes read and bytes in all (0: unknown), as the progress bar counts them. Any thread. */
  void (*progress)(void *state, uint64_t *done, uint64_t *total);
  /* Nodes. route[] is preset to port 0. */
  mayfly_result (*process)(void *state, mayfly_slice *slice);
  mayfly_result (*on_timer)(void *state, uint32_t timer, int64_t now_ns);
  mayfly_result (*on_signal)(void *state, const mayfly_signal *signals, uint32_t count);
  /* Rows that passed here and are answered now: batch->outcome[row]. */
  mayfly_result (*on_completion)(void *state, const mayfly_slice *slice);
  /* Nothing new will come: let go what is held, by deadline_ns. Called again after each release. */
  mayfly_result (*drain)(void *state, int64_t deadline_ns);
  void (*destroy)(void *state);
  /* Nodes: an option flagged RUNTIME has another value, checked as configure's were: values[option],
   * of a table as configure gets it, whose other values mean nothing. */
  mayfly_result (*set_option)(void *state, uint32_t option, const mayfly_value *values);
  /* Sinks: one of its threads has called host->wake since the last time. */
  mayfly_result (*on_wake)(void *state, int64_t now_ns);
} mayfly_plugin;

typedef const mayfly_plugin *(*mayfly_plugin_entry)(void);

#ifdef __cplusplus
}
#endif

#endif /* MAYFLY_ABI_MAYFLY_ABI_H_ */
