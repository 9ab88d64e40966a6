"""Every bound of LogPulse, with the reason for its value. Settings in `config.py` take their defaults from here."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS

# -- labels and entries -----------------------------------------------------------------------------------------------
LABEL_NAME_BYTES: Final = 1024  # Loki's; longer names are programs gone wrong
LABEL_VALUE_BYTES: Final = 2048  # Loki's
LABELS_PER_STREAM: Final = 15  # Loki's; every label multiplies the number of streams
LINE_BYTES: Final = 256 * KIB  # Loki's; a longer line is a dump, not a log line
METADATA_PAIRS: Final = 128  # Loki's
METADATA_BYTES: Final = 64 * KIB  # Loki's, of names and values together
FUTURE_NS: Final = 600 * SECOND_NS  # ten minutes cover clocks that are badly set; more is a wrong unit
OLDEST_NS: Final = 0  # 1970; a negative time is a wrong unit or a broken clock
NEWEST_NS: Final = 2**63 - 1  # what int64 nanoseconds hold: the year 2262
REJECTED_SHOWN: Final = 100  # details of refused entries in one answer; the rest is counted

# -- bodies -----------------------------------------------------------------------------------------------------------
BODY_BYTES: Final = 16 * MIB  # as received; senders batch 1-8 MiB
DECOMPRESSED_BYTES: Final = 64 * MIB  # a hundred times less than Loki's, as this is one process
DECOMPRESSION_RATIO: Final = 100  # log text reaches 20; a bomb thousands
FORM_BYTES: Final = 256 * KIB  # a query form: the longest query, escaped
SMALL_JSON_BYTES: Final = 4 * KIB  # a body with a key or a few settings; a key that long would not fit into a header
BODY_SECONDS: Final = 60  # a body slower than this is a stalled or hostile peer
BODY_PAUSE_SECONDS: Final = 10  # within a body; a sender that lives sends something, and TCP repeats a loss in less
ENTRIES_PER_PUSH: Final = 500_000  # more than the largest body holds of real lines; each is some objects in memory
STRINGS_PER_PUSH: Final = 4_000_000  # in JSON, names and values alike, 60 bytes of memory each: eight an entry
STREAMS_PER_PUSH: Final = 10_000  # labels are validated one stream at a time
LABEL_TEXT_BYTES: Final = 16 * MIB  # of one stream's labels as text; Loki's, which has crashed on longer ones
STREAMS: Final = 100_000  # in memory, about 1 KB each with its postings
STREAM_LABELS_BYTES: Final = 64 * MIB  # of the labels of all streams as JSON; in memory three times that
DECODE_IN_THREAD_BYTES: Final = 64 * KIB  # a thread hop costs 0.1 ms, as decoding 64 KiB does

# -- HTTP -------------------------------------------------------------------------------------------------------------
HEADER_COUNT: Final = 100  # Hypercorn has no bound; browsers send 20
HEADER_BYTES: Final = 32 * KIB  # in total; Hypercorn bounds only incomplete input
SEND_SECONDS: Final = 8  # one write to a peer that does not read; then it is cut off. See SHUTDOWN_SECONDS
GRACEFUL_SECONDS: Final = 10  # for answers in flight at shutdown; above the worst commit
SHUTDOWN_SECONDS: Final = 25  # then by force; above GRACEFUL_SECONDS and SEND_SECONDS; Kubernetes kills at 30
RECEIVE_BYTES: Final = 256 * KIB  # of one read from a socket: four times Hypercorn's, so a quarter of its steps
COMPRESSED_ANSWER_BYTES: Final = 8 * KIB  # answers from here on are compressed if the client likes; less gains nothing
RECEIVED_MESSAGES: Final = 2  # reads that wait for the application: the end of a body, and the news of a departure
FREE_MEMORY_BYTES: Final = 64 * MIB  # the allocator keeps for the next pushes: the buffers of some large bodies
FREE_MEMORY_SECONDS: Final = 5  # between two looks at that: a burst has passed, and a look costs less than 1 ms
HTTP_BACKLOG: Final = 1024  # connections the kernel holds while the loop is busy

# -- write path -------------------------------------------------------------------------------------------------------
INTAKE_BYTES: Final = 64 * MIB  # of bodies, as far as they have arrived, until decoded; a batch is held beside it
APPEND_REQUESTS: Final = 64  # pushes waiting for the committer
APPEND_BYTES: Final = 64 * MIB  # and their bytes
APPEND_WAIT_SECONDS: Final = 5  # most senders lose data on a refusal, so waiting is kinder
WAL_RECORD_BYTES: Final = 256 * MIB  # a length field above this is damage: check before allocating
WAL_FILE_BYTES: Final = 64 * MIB  # one file is let go as a whole, so keep files small
DISK_RESERVE_BYTES: Final = 64 * MIB  # below this much free space pushes stop, so that retention can still work
NEARLY_FULL: Final = 4  # times that reserve; from there on /health warns
CHUNKS_GATHERED: Final = 4  # chunks copied at a time while a segment is written: 4 MiB
COALESCE_ROWS: Final = 16_384  # head batches grow by merging up to this
COALESCE_BYTES: Final = 4 * MIB  # and this: larger ones would be copied for nothing, and Arrow's offsets end at 2 GiB
COMPACTED_BYTES: Final = 512 * MIB  # entries of a segment that is merged no further: a few seconds to rewrite
SEGMENT_ALLOCATION_BYTES: Final = 1024 * MIB  # asked for at once by a reader of a segment: only damage wants so much
RECENT_BYTES: Final = 16 * MIB  # of one of the newest segments that is not merged yet
COMPACTION_FANIN: Final = 4  # segments worth merging; fewer would rewrite entries too often

# -- reading ----------------------------------------------------------------------------------------------------------
QUERY_CHARACTERS: Final = 131_072  # Loki's
PARSE_IN_THREAD_CHARACTERS: Final = 512  # of a query; the regular expressions of a longer one may take 0.1 s and more
QUERY_DEPTH: Final = 100  # parentheses inside parentheses; deeper is an attack
QUERY_STAGES: Final = 500  # stages of one pipeline
REGEX_BYTES: Final = 10 * KIB  # the text of one regular expression
REGEX_MEMORY_BYTES: Final = 512 * KIB  # of one expression compiled by RE2, which holds the GIL: 8 MiB took it 3 s
ENTRIES_PER_QUERY: Final = 5_000  # Loki's; more is paged or exported
QUERY_SECONDS: Final = 60
# A query row by row holds Python's lock for a turn at a time, and a push needs it a dozen times: with Python's own 5 ms
# beside one such query pushes took seconds.
SWITCH_SECONDS: Final = 0.0002
QUERIES_AT_ONCE: Final = 4  # two a core: one waits for memory while the other computes
QUERIES_WAITING: Final = 64  # then 429
QUERY_WAIT_SECONDS: Final = 10  # a query that waited this long gets 429
QUERY_MEMORY_BYTES: Final = 192 * MIB  # DuckDB's, for all queries together
PARTIALS_BYTES: Final = 64 * MIB  # of what segments contributed to metric queries, kept for those that come again
PARTIALS_SHARE: Final = 2  # one scan's part of it is kept if it takes at most this part: two do not turn each other out
PARTIALS_SCANNED_BYTES: Final = 256 * MIB  # log text of segments that are scanned, and forgotten, together
SECOND_WAVE_BYTES: Final = 64 * MIB  # log text read next, where the newest source alone did not have enough rows
PAGE_TEXT_BYTES: Final = 32 * MIB  # log text in one answer; a longer one ends early and names its next page
ROWS_PER_READ: Final = 16_384  # rows fetched at a time for a pipeline that drops most of them
SLICE_NS: Final = SECOND_NS // 1_000  # the least time that such a read looks at
SLICE_GROWTH: Final = 16  # a slice of time with few rows is followed by one this many times wider; 11 reach all times
STAGES_BETWEEN_CHECKS: Final = 8  # of one entry, between two looks at whether to go on: 0.1 s each for 1 MiB of JSON
ROWS_PER_BATCH: Final = 16_384  # rows that come out of a scan at a time
NUMBERS_REMEMBERED: Final = 16_384  # values of an unwrapped label with the numbers they are, of one query
STREAM_STEPS: Final = 1_000_000  # streams times steps of a volume, before they are summed up: 32 MB of numbers
VOLUME_SERIES: Final = 1_000  # Loki's; volumes in one answer, the largest ones
VOLUME_POINTS: Final = 1_000_000  # volumes times steps in one answer: 9 MB of numbers, 30 MB of JSON
SELECTORS: Final = 100  # in one request for series; a form has room for 20,000, each of which looks at all streams
HISTOGRAM_BUCKETS: Final = 120  # of one histogram: a bar is a few pixels wide, on phones too
HISTOGRAM_LEVELS: Final = 50  # told apart by one; more words than that are no levels
LEVEL_ROWS: Final = 20_000  # whose levels are read from what they say, for exact numbers: 0.1 s
LEVEL_SAMPLE_ROWS: Final = 10_000  # read in their place where there are more; each level's share is right within 1%
LEVEL_SAMPLE_BLOCKS: Final = 1_024  # that they are spread over; a block costs 0.3 ms, however few of its rows are taken
DETECTED_FIELDS: Final = 5_000  # found in the lines of one request; Loki looks for 1,000 unless it is asked for more
FIELD_SAMPLE_LINES: Final = 1_000  # the newest, in which fields are looked for; 20 ms
FIELD_VALUES: Final = 10_000  # of one label or field in an answer; nobody chooses among more
EXPORTS: Final = 4  # at once; each holds a page, of PAGE_TEXT_BYTES and as much again as it is written
EXPORT_PAGE_ENTRIES: Final = 20_000  # at a time, since a page reads a segment: 1 s of a turn, 30 MB of memory
EXPORT_BUSY_SECONDS: Final = 120  # that an export which has begun waits for a turn; then it is cut off
WAVE_GROWTH: Final = 4  # each further wave reads this many times more, so a rare match costs few waves

# -- live tail --------------------------------------------------------------------------------------------------------
SUBSCRIBERS: Final = 100
SUBSCRIBER_FRAMES: Final = 100  # batches queued for one subscriber before it loses the newest
FRAME_ENTRIES: Final = 500  # entries in one batched frame
FRAME_BYTES: Final = 1 * MIB  # of one batched frame; a longer entry has a frame of its own
FRAME_SECONDS: Final = 0.1  # the longest an entry waits for its batched frame
BLOCKED_SECONDS: Final = 15  # a subscriber full for this long is closed with 1013
HEARTBEAT_SECONDS: Final = 20  # proxies cut silent connections after 30-60 s
COMMITTED_BATCHES: Final = 256  # commits waiting for the broadcaster; more are dropped and reported
COMMITTED_BYTES: Final = 64 * MIB  # and their size
CLIENT_FRAME_BYTES: Final = 256 * KIB  # a filter frame holds at most one query
CLIENT_FRAMES_PER_SECOND: Final = 10  # then 1008
HISTORY_ENTRIES: Final = 50_000  # entries of history one tail begins with at most
HISTORY_SECONDS: Final = 120  # for a client to take them; meanwhile files that were merged or expired stay on disk
HISTORY_PAGE: Final = 1_000  # entries read at a time while history is sent
HISTORY_BUFFER_ENTRIES: Final = 100_000  # live entries held while history is sent; more are dropped and reported

# -- client commands --------------------------------------------------------------------------------------------------
PAGE_ENTRIES: Final = 1_000  # of one answer to a client command; a line may have 256 KiB
SEAM_REMEMBERED: Final = 50_000  # entries that a later page may repeat as context, by their ids: 7 MB
SEAM_HELD: Final = 10_000  # entries of context that wait for the next page; more are given as context
URL_QUERY_BYTES: Final = 4 * KIB  # longer queries go as a form: proxies and servers cut URLs at 8 KiB
CONNECT_SECONDS: Final = 10  # a server that does not take a connection within this is not there
ANSWER_SECONDS: Final = 90  # above the longest wait for a turn plus the longest query
RETRIES: Final = 8  # of a request the server was too busy for: about 20 s with the waits between them
RETRY_FIRST_SECONDS: Final = 0.25  # the ceiling of the first wait; it doubles
RETRY_MOST_SECONDS: Final = 10  # the longest wait a person in front of a terminal takes for progress
RETRY_AFTER_SECONDS: Final = 60  # the longest Retry-After that is honoured; more is a broken proxy
TAIL_SILENCE_SECONDS: Final = 3 * HEARTBEAT_SECONDS  # the connection is dead, though nothing closed it
TAIL_LINGER_SECONDS: Final = 0.25  # for the answer to our close frame, while somebody waits for the prompt
TAIL_FRAME_BYTES: Final = 64 * MIB  # the server cuts its frames far below; this only bounds memory
TAIL_OVERLAP_SECONDS: Final = 10  # history asked for again after a lost connection: senders batch for 1-5 s
TAIL_SKEW_SECONDS: Final = 5  # entries this much older than the first connection count as live: senders lag
TAIL_REMEMBERED: Final = 100_000  # entries recognised when they come again: the overlap at 10,000 a second, 20 MB
ERROR_TEXT_BYTES: Final = 4 * KIB  # shown of an error that is plain text; a proxy may send a page
CHART_SERIES: Final = 10  # as many as there are colours that every terminal theme defines and a person tells apart
CHART_ROWS: Final = 12  # with its axes and a table of as many series it fits into 24 lines, the oldest of sizes
CHART_LEAST_COLUMNS: Final = 20  # ten for names of values leave ten to draw in; narrower screens wrap
CHART_COLUMNS: Final = 200  # a wider one is read no better
TABLE_SERIES: Final = 50  # a screen or two; programs read the series from a pipe
VOLUME_ROWS: Final = 10  # streams shown by `stats`, the largest ones
GENERATE_ENTRIES: Final = 1_000  # without a number
GENERATE_BATCH_ENTRIES: Final = 2_000  # of one push: about 500 KB
GENERATE_TICK_SECONDS: Final = 0.25  # between the pushes of a steady flow
GENERATE_RATE: Final = 1_000_000  # entries a second that may be asked for; the flow is as fast as the server takes it
GENERATE_SPREAD_NS: Final = 900 * SECOND_NS  # the past that generated entries cover at most
GENERATE_INTERVAL_NS: Final = SECOND_NS // 10  # between entries without a rate, while they fit into the spread
GENERATE_BACKLOG_SECONDS: Final = 10  # a steady flow catches up this much after an outage and skips the rest

# -- HTTP edge --------------------------------------------------------------------------------------------------------
KEEP_ALIVE_SECONDS: Final = 75  # proxies keep idle connections for 60 s and must be the ones to close them
TARGET_BYTES: Final = 32 * KIB  # the target in a request line; longer queries are sent as forms
SEND_PIECE_BYTES: Final = 64 * KIB  # each has SEND_SECONDS to leave: a slow reader is not a stalled one
DISCONNECT_SECONDS: Final = 1  # for an application to take the news that its peer left; then it is cancelled
CLOSE_SECONDS: Final = 0.5  # for a WebSocket peer to answer our close frame; then the connection is closed without
UNREAD_BODY_SECONDS: Final = 1  # a body is dropped after its answer: a reset could overtake the answer
UNREAD_BODY_BYTES: Final = 16 * MIB  # and this much of it: a body of twice BODY_BYTES still gets its answer
CONNECTIONS: Final = 4096  # about 20 KB each when idle; no more than half of the open files that the system allows

# -- the page ---------------------------------------------------------------------------------------------------------
SESSION_SECONDS: Final = 7 * 86_400  # of one sign-in: a working week; a key that is exchanged ends it at once
LOGIN_FAILURES_PER_MINUTE: Final = 10  # of one address: more than anybody mistypes, and no rate to guess a key at
LOGIN_ADDRESSES: Final = 1_024  # whose failures are remembered: 200 KB
SLOW_QUERY_SECONDS: Final = 1  # a query that took this long is remembered for /health: people notice it
SLOW_QUERIES: Final = 20  # remembered, the last ones
SLOW_QUERY_CHARACTERS: Final = 500  # of the text of each; enough to know it again

# -- query language ---------------------------------------------------------------------------------------------------
QUERY_TOKENS: Final = 10_000  # words and signs of a query; parsing so many takes 0.1 s
POINTS_PER_SERIES: Final = 11_000  # Loki's, in whole steps from start to end; wide screens have 4,000 columns
QUERY_RANGE_NS: Final = 30 * DAY_NS + 3600 * SECOND_NS  # Loki's 30d1h, between start and end of a range query
DEFAULT_STEPS: Final = 250  # Loki's: whole seconds in a step so that a range has about this many
SCAN_BYTES: Final = 64 * 1024 * MIB  # of log text that one query may look at: a minute and more on a large machine
SERIES_PER_RESULT: Final = 2_000  # Loki answers 500; more lines than this nobody can tell apart in a graph
MATRIX_VALUES: Final = 4_000_000  # series times points of one vector: 32 MiB of floats; operators hold a few such
WINDOW_VALUES: Final = 256 * KIB  # of them made from samples at a time: this takes dozens of arrays, of 2 MiB then
REPLACED_CHARACTERS: Final = 64 * KIB  # of one label that label_replace makes: `$1$1`, nested, doubles each time
DEDUP_KEYS: Final = 100_000  # of one answer, as hashes: 10 MB
DEDUP_CONDITIONS: Final = 1_000  # lines or streams that further reads of an answer are told to pass over
DEDUP_CONDITION_CHARACTERS: Final = 1_024  # of such a line; longer ones are told by their hashes alone
TAIL_DEDUP_KEYS: Final = 10_000  # of each of SUBSCRIBERS tails, the newest ones: 1.5 MB
CONTEXT_MATCHES: Final = 32  # matches whose neighbours one scan looks for: it compares their times with each row's
CONTEXT_GROWTH: Final = 16  # a window that holds too few neighbours is made this many times wider; 8 reach all times
CONTEXT_ENTRIES: Final = 100  # on either side of a match; to read more, ask for the time around it
TEMPLATE_DEPTH: Final = 50  # blocks and parentheses inside one another in a template; its parser is recursive
TEMPLATE_BYTES: Final = 1 * MIB  # of a text on the way and in the end: the longest line, each byte escaped by four
TEMPLATE_STEPS: Final = 10_000  # rounds of all ranges while one line is rendered; an array in a log line has fewer
TEMPLATE_SECONDS: Final = 1  # for one line, looked at in each round and call of a long template; most take 1 µs
TEMPLATE_MATCHES: Final = 100_000  # of one regular expression in a text: replacing each takes 5 µs
TEMPLATE_KEPT_CHARACTERS: Final = 1_024  # of a format, layout or replacement that is kept once read
TEMPLATE_UNTIMED_CALLS: Final = (
    64  # calls of functions that a template without ranges may have without a look at the clock
)

# -- pipelines --------------------------------------------------------------------------------------------------------
EXTRACTED_LABELS: Final = 1_024  # labels that parsers find in one line; an event has dozens, a dump thousands
JSON_DEPTH: Final = 128  # objects inside objects of a line that become labels, and steps of a path; more is an attack
KNOWN_NAMES: Final = 4_096  # keys remembered with the label names they become, 64 characters at most each
KNOWN_NAME_CHARACTERS: Final = 64  # a longer key is not worth remembering
KNOWN_METADATA: Final = 1_024  # metadata texts whose labels are remembered; ids of requests seldom come twice
KNOWN_METADATA_CHARACTERS: Final = 1_024  # a longer metadata text is not worth remembering

# -- agent ------------------------------------------------------------------------------------------------------------
AGENT_OPEN_LINE_SECONDS: Final = 60  # since the last write; then `--once` takes a last line without newline for whole
AGENT_READ_BYTES: Final = 64 * KIB  # of one file at a turn, so that a noisy file does not starve the others
AGENT_HEAD_BYTES: Final = 1024  # of a file's beginning that tell it from others; longer common headers are rare
AGENT_TAIL_BYTES: Final = 256  # before a position that tell whether the file was rewritten; holds the last line or two
AGENT_TELLING_BYTES: Final = 64  # fewer equal bytes do not show that a file of another inode is the same
AGENT_BATCH_BYTES: Final = MIB  # the cost of a request is small beside this; a lost answer costs little to repeat
AGENT_ENTRY_BYTES: Final = 48  # what a timestamp, quotes and braces add to each line in a request
AGENT_ANSWER_BYTES: Final = MIB  # of an answer read; a hundred refused entries with their reasons take 20 KB
AGENT_ANSWER_SKIPPED_BYTES: Final = 16 * MIB  # of an answer read in all; what sends more is no LogPulse
AGENT_RETRY_FIRST_SECONDS: Final = 0.5  # the ceiling of the first wait; it doubles
AGENT_RETRY_MOST_SECONDS: Final = 60  # a server that comes back is found within a minute
AGENT_RETRY_AFTER_SECONDS: Final = 300  # the longest Retry-After that is honoured; more is a broken proxy
AGENT_SAVE_SECONDS: Final = 1  # between durable saves of the positions while lines flow
AGENT_FORGET_SECONDS: Final = 7 * 86_400  # a file not seen for this long does not come back
AGENT_DEAD_LETTER_BYTES: Final = 64 * MIB  # then the file becomes the one old file beside it
AGENT_SKEW_NS: Final = 300 * SECOND_NS  # a clock set back by more than this is believed; the server refuses 10 minutes
AGENT_COPY_SLACK_SECONDS: Final = 2  # file times lag behind the clock, by seconds on network file systems
AGENT_POSITIONS_BYTES: Final = 256 * MIB  # a positions file beyond this is damage: a file takes about 300 bytes

# -- level detection --------------------------------------------------------------------------------------------------
LEVEL_FIELD_CHARACTERS: Final = 4 * KIB  # of a line searched for level fields: they stand first or after a message
LEVEL_FIELDS: Final = 16  # fields of a line whose names speak of a level or a message; a real one is among the first
LEVEL_SCAN_CHARACTERS: Final = 120  # of a text searched for a level word; further on it is prose, not a level

# -- decoding and paging ----------------------------------------------------------------------------------------------
GZIP_MEMBERS: Final = 4096  # of one body; bgzip cuts 64 MiB into 1024, and an empty one costs as much as 5 KiB of text
KNOWN_LABELS_BYTES: Final = 32 * MIB  # of label sets remembered as they were written, so that each is read once
KNOWN_LABELS_COST: Final = 1000  # bytes of memory that one takes beside its text
SALVAGE_BYTES: Final = 4 * MIB  # of a body with errors that is searched for good entries: takes up to 50 times that
CURSOR_REPEATS: Final = 16_384  # of an entry's time and stream skipped at first, whatever a forged cursor says

# -- services ---------------------------------------------------------------------------------------------------------
INTERRUPT_AGAIN_SECONDS: Final = 0.01  # between pulls at a query that should end; most end at the first
INTERRUPT_SECONDS: Final = 5  # then a query that does not end is left behind, so that its client is answered
UNCONFIRMED_FILTERS: Final = 100  # filter changes of a tail that is paused or does not read; each may hold a query
SUBSCRIBER_BYTES: Final = 16 * MIB  # queued for one subscriber, about: a few seconds of a busy server
SUBSCRIBERS_BYTES: Final = 64 * MIB  # queued for all of them; when it is used up, each still has its equal share
ENTRY_BYTES: Final = 512  # of memory that an entry takes beside its text, about: its objects
MATCH_ROWS: Final = 16_384  # of a commit looked through at a time for a tail: about 1 ms
TAIL_QUICK_TEXTS: Final = 16  # looked for by a tail on the event loop: 2 ms a frame; all other filters have a thread
TAIL_FILTER_SECONDS: Final = 1  # for a frame's worth of entries, 2 ms each; a filter that takes longer ends its tail
TAIL_STREAMS: Final = 10_000  # of a tail's answers about streams remembered; a commit has fewer, 80 bytes each
