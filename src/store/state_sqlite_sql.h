/* state_sqlite_sql.h - every statement of the SQLite backend: STATE_SQL(name, text). Each is prepared once per
 * connection. doc/internals/state.md says which operation runs which. No include guard: it is included for names and for
 * texts. */

STATE_SQL(BEGIN_READ, "BEGIN")
STATE_SQL(BEGIN_WRITE, "BEGIN IMMEDIATE")
STATE_SQL(COMMIT, "COMMIT")
STATE_SQL(ROLLBACK, "ROLLBACK")
STATE_SQL(VERSION, "PRAGMA user_version")

/* keyspaces */
STATE_SQL(KEYSPACE_BY_NAME, "SELECT name, uid FROM keyspace WHERE name = ?1 COLLATE NOCASE")
STATE_SQL(KEYSPACE_BY_UID, "SELECT name FROM keyspace WHERE uid = ?1")
STATE_SQL(KEYSPACE_ADD, "INSERT INTO keyspace (name, uid) VALUES (?1, ?2)")
STATE_SQL(KEYSPACE_LIST, "SELECT name, uid FROM keyspace ORDER BY name")
STATE_SQL(KEYSPACE_DELETE, "DELETE FROM keyspace WHERE uid = ?1")
STATE_SQL(KEYSPACE_RUNS, "SELECT run_uid FROM run WHERE keyspace_uid = ?1")
STATE_SQL(KEYSPACE_NEXT_RUN, "UPDATE keyspace SET run_id_last = CASE ?2 WHEN 0 THEN run_id_last + 1 ELSE ?2 END"
                             " WHERE uid = ?1 AND (?2 = 0 OR ?2 > run_id_last) RETURNING run_id_last")
STATE_SQL(KEYSPACE_LAST_RUN, "SELECT run_id_last FROM keyspace WHERE uid = ?1")

/* runs */
#define RUN_COLUMNS                                                                                                    \
    "run_uid, keyspace_uid, run_id, script_url, params_url, start_nodes, description, owner, mode, start_ms,"          \
    " complete_ms, stop_ms, complete_comment, stop_comment"
STATE_SQL(RUN_BY_OPERATION, "SELECT " RUN_COLUMNS " FROM run WHERE operation_uid = ?2 AND operation_uid <> ''"
                            " AND keyspace_uid = ?1")
STATE_SQL(RUN_BY_ID, "SELECT " RUN_COLUMNS " FROM run WHERE keyspace_uid = ?1 AND run_id = ?2")
STATE_SQL(RUN_BY_UID, "SELECT " RUN_COLUMNS " FROM run WHERE run_uid = ?1")
STATE_SQL(RUN_LIST, "SELECT " RUN_COLUMNS " FROM run WHERE keyspace_uid = ?1 ORDER BY run_id")
#undef RUN_COLUMNS
STATE_SQL(RUN_ADD, "INSERT INTO run (run_uid, keyspace_uid, run_id, operation_uid, script_url, params_url, start_nodes,"
                   " description, owner, mode, start_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")
STATE_SQL(RUN_STOP, "UPDATE run SET stop_ms = ?2, stop_comment = ?3 WHERE run_uid = ?1")
STATE_SQL(RUN_COMPLETE, "UPDATE run SET complete_ms = ?2, complete_comment = ?3 WHERE run_uid = ?1")
STATE_SQL(RUN_DELETE, "DELETE FROM run WHERE run_uid = ?1")
STATE_SQL(RUN_CLAIMS, "SELECT 1 FROM node WHERE run_uid = ?1 AND (claimed > 0 OR seal_owner <> '') LIMIT 1")
STATE_SQL(RUN_READER, "SELECT r.run_id FROM run r JOIN node n ON n.run_uid = r.run_uid"
                      " WHERE r.keyspace_uid = ?1 AND r.run_uid <> ?2 AND"
                      " ((r.complete_ms = 0 AND r.stop_ms = 0 AND n.status = 0) OR"
                      " ((n.reader_run_uid = ?2 OR n.lookup_run_uid = ?2) AND"
                      " ((r.complete_ms = 0 AND r.stop_ms = 0) OR n.claimed > 0))) ORDER BY r.run_id LIMIT 1")
STATE_SQL(SNAPSHOT_ADD, "INSERT INTO snapshot (run_uid, file_idx, kind, url, text) VALUES (?1, ?2, ?3, ?4, ?5)")
STATE_SQL(SNAPSHOT_LIST, "SELECT kind, url, text FROM snapshot WHERE run_uid = ?1 ORDER BY file_idx")
STATE_SQL(SNAPSHOT_DELETE, "DELETE FROM snapshot WHERE run_uid = ?1")
STATE_SQL(TARGET_ADD, "INSERT OR IGNORE INTO target (path, run_uid) VALUES (?1, ?2)")
STATE_SQL(TARGET_OWNER, "SELECT r.run_uid, r.run_id, k.name, r.stop_ms > 0 AND NOT EXISTS (SELECT 1 FROM node n"
                        " WHERE n.run_uid = r.run_uid AND (n.claimed > 0 OR n.seal_owner <> '')) FROM target t JOIN "
                        "run r ON r.run_uid = t.run_uid"
                        " JOIN keyspace k ON k.uid = r.keyspace_uid WHERE t.path = ?1")
STATE_SQL(TARGET_TAKE, "UPDATE target SET run_uid = ?2 WHERE path = ?1")
STATE_SQL(TARGET_DELETE, "DELETE FROM target WHERE run_uid = ?1")

/* nodes */
STATE_SQL(NODE_ADD, "INSERT INTO node (run_uid, name, batches_total) VALUES (?1, ?2, ?3)")
#define NODE_COLUMNS                                                                                                   \
    "name, batches_total, done, failed, claimed, status, reader_run_uid, lookup_run_uid, start_ms, final_ms, comment," \
    " seal_owner <> '', row_count, rest_status, rest_ms, rest_comment, next_batch"
STATE_SQL(NODE_GET, "SELECT " NODE_COLUMNS " FROM node WHERE run_uid = ?1 AND name = ?2")
STATE_SQL(NODE_LIST, "SELECT " NODE_COLUMNS " FROM node WHERE run_uid = ?1 ORDER BY node_id")
#undef NODE_COLUMNS
#define NODE_DECISION                                                                                                  \
    "SELECT n.node_id, n.batches_total, n.status, n.next_batch, n.rest_status, n.done, n.claimed, n.start_ms,"         \
    " n.seal_deaths, n.seal_owner, n.seal_operation, n.seal_attempt, r.stop_ms"                                        \
    " FROM node n JOIN run r ON r.run_uid = n.run_uid WHERE "
STATE_SQL(NODE_DECISION, NODE_DECISION "n.run_uid = ?1 AND n.name = ?2")
STATE_SQL(NODE_DECISION_BY_ID, NODE_DECISION "n.node_id = ?1")
#undef NODE_DECISION
STATE_SQL(NODE_IDS, "SELECT node_id, status FROM node WHERE run_uid = ?1 ORDER BY node_id")
STATE_SQL(NODE_UNFINISHED, "SELECT name, status FROM node WHERE run_uid = ?1 AND status NOT IN (2, 3)"
                           " AND (status <> 0 OR ?2 = 0) ORDER BY node_id LIMIT 1")
STATE_SQL(NODE_OPEN, "UPDATE node SET status = 1, start_ms = ?2, reader_run_uid = ?3, lookup_run_uid = ?4"
                     " WHERE node_id = ?1 AND status = 0")
STATE_SQL(NODE_REFUSE, "UPDATE node SET status = 3, final_ms = ?2, comment = ?3, rest_status = 3, rest_ms = ?2,"
                       " rest_comment = ?3, done = batches_total, failed = batches_total"
                       " WHERE node_id = ?1 AND status = 0")
STATE_SQL(NODE_STOP, "UPDATE node SET done = done + ?2 + batches_total - next_batch,"
                     " stopped = stopped + ?2 + batches_total - next_batch,"
                     " rest_status = 104, rest_ms = ?3, rest_comment = ?4 WHERE node_id = ?1")
STATE_SQL(NODE_SETTLE, "UPDATE node SET status = CASE WHEN failed > 0 THEN 3 ELSE 104 END, final_ms = ?2,"
                       " comment = (SELECT stop_comment FROM run WHERE run.run_uid = node.run_uid)"
                       " WHERE node_id = ?1 AND status IN (0, 1) AND claimed = 0 AND seal_owner = ''"
                       " AND (status = 0 OR stopped > 0)")
STATE_SQL(NODE_CLAIMED_NEW, "UPDATE node SET claimed = claimed + 1, next_batch = next_batch + 1 WHERE node_id = ?1")
STATE_SQL(NODE_CLAIMED_FREE, "UPDATE node SET claimed = claimed + 1 WHERE node_id = ?1")
STATE_SQL(NODE_COUNT, "UPDATE node SET claimed = claimed - 1, done = done + ?2, failed = failed + ?3,"
                      " stopped = stopped + ?4 WHERE node_id = ?1")
STATE_SQL(NODE_SEAL, "UPDATE node SET seal_owner = ?2, seal_operation = ?3, seal_attempt = ?4 WHERE node_id = ?1")
STATE_SQL(NODE_SEAL_FREE, "UPDATE node SET seal_owner = '', seal_operation = '', seal_attempt = ?2,"
                          " seal_deaths = seal_deaths + ?3 WHERE node_id = ?1")
STATE_SQL(NODE_SEALED, "UPDATE node SET status = ?2, final_ms = ?3, row_count = ?4, comment = ?5, seal_owner = '',"
                       " seal_operation = '' WHERE node_id = ?1")
STATE_SQL(NODE_SEALING_BY, "SELECT node_id FROM node WHERE seal_owner = ?1 AND seal_owner <> ''")
STATE_SQL(NODE_DELETE, "DELETE FROM node WHERE node_id = ?1")

/* batches; ?1 and ?2 are the first and the last id of a node */
STATE_SQL(BATCH_CLAIMED_BY, "SELECT id, attempt, deaths, target <> '' FROM batch INDEXED BY batch_owned"
                            " WHERE owner = ?3 AND owner <> '' AND operation = ?4 AND id BETWEEN ?1 AND ?2")
STATE_SQL(BATCH_FREE, "SELECT id, deaths, target <> '' FROM batch INDEXED BY batch_free"
                      " WHERE status = 0 AND id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1")
STATE_SQL(BATCH_ADD,
          "INSERT INTO batch (id, status, owner, operation, attempt, start_ms) VALUES (?1, 1, ?2, ?3, ?4, ?5)")
STATE_SQL(BATCH_CLAIM, "UPDATE batch SET status = 1, owner = ?2, operation = ?3, attempt = ?4, start_ms = ?5"
                       " WHERE id = ?1")
STATE_SQL(BATCH_DECISION, "SELECT status, attempt, staged, target FROM batch WHERE id = ?1")
STATE_SQL(BATCH_NOTE, "UPDATE batch SET comment = ?2 WHERE id = ?1")
STATE_SQL(NODE_NOTE, "UPDATE node SET comment = ?2 WHERE node_id = ?1 AND status = 1")
STATE_SQL(BATCH_PUBLISH, "UPDATE batch SET staged = ?2, target = ?3 WHERE id = ?1")
STATE_SQL(BATCH_FINISH,
          "UPDATE batch SET status = ?2, final_ms = ?3, rows_read = ?4, rows_written = ?5,"
          " bytes_written = ?6, first_token = ?7, last_token = ?8, comment = ?9, extents = ?10, owner = '',"
          " operation = '' WHERE id = ?1")
STATE_SQL(BATCH_UNCLAIM, "UPDATE batch SET status = 0, owner = '', operation = '', start_ms = 0, comment = ''"
                         " WHERE id = ?1")
STATE_SQL(BATCH_STOP, "UPDATE batch SET status = 104, owner = '', operation = '', start_ms = 0, final_ms = ?2,"
                      " comment = (SELECT r.stop_comment FROM node n JOIN run r ON r.run_uid = n.run_uid"
                      " WHERE n.node_id = ?3) WHERE id = ?1")
STATE_SQL(BATCH_DIED, "UPDATE batch SET attempt = '', deaths = deaths + ?2 WHERE id = ?1")
STATE_SQL(BATCH_STOP_FREE, "UPDATE batch INDEXED BY batch_free SET status = 104, final_ms = ?3, comment = ?4"
                           " WHERE status = 0 AND id BETWEEN ?1 AND ?2")
STATE_SQL(BATCH_OWNED, "SELECT id FROM batch WHERE owner = ?1 AND owner <> '' ORDER BY id")
STATE_SQL(BATCH_SURVIVORS, "UPDATE batch SET survivors = ?2 WHERE id = ?1")
STATE_SQL(BATCH_RETOLD, "UPDATE batch SET rows_written = ?2, comment = ?3 WHERE id = ?1")
STATE_SQL(BATCH_LIST,
          "SELECT id, status, owner, attempt, rows_read, rows_written, bytes_written, first_token, last_token,"
          " start_ms, final_ms, deaths, comment FROM batch WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
STATE_SQL(BATCH_LIST_EXTENTS, "SELECT id, status, owner, attempt, rows_read, rows_written, bytes_written, first_token,"
                              " last_token, start_ms, final_ms, deaths, comment, extents, survivors FROM batch"
                              " WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
STATE_SQL(BATCH_DELETE, "DELETE FROM batch WHERE id BETWEEN ?1 AND ?2")

/* processes */
STATE_SQL(PROCESS_BEAT, "INSERT INTO process (process_uid, beat) VALUES (?1, 1)"
                        " ON CONFLICT (process_uid) DO UPDATE SET beat = beat + 1")
STATE_SQL(PROCESS_GET, "SELECT beat FROM process WHERE process_uid = ?1")
STATE_SQL(PROCESS_DELETE, "DELETE FROM process WHERE process_uid = ?1")
STATE_SQL(PROCESS_LIST, "SELECT o, coalesce((SELECT beat FROM process WHERE process_uid = o), 0), sum(c) FROM"
                        " (SELECT owner AS o, count(*) AS c FROM batch WHERE owner <> '' GROUP BY owner UNION ALL"
                        " SELECT seal_owner, count(*) FROM node WHERE seal_owner <> '' GROUP BY seal_owner)"
                        " GROUP BY o ORDER BY o")
