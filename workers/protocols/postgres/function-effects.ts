import { builtInFunctions, contributedFunctions } from './known-functions.ts'

/** What calling a function may do to the database by itself. */
export type FunctionEffect = 'reads' | 'writes' | 'unknown'

/**
 * What PostgreSQL declares about a function of that name; `unknown` for what is not its own.
 * @param parts its name as written, schema first
 */
export function functionEffect(parts: readonly string[]): FunctionEffect {
  const name = parts.at(-1) ?? ''
  const schema = parts.at(-2)
  if (writing.has(name)) return 'writes'
  if (schema === undefined || schema === 'pg_catalog') {
    if (builtInFunctions.has(name) || harmless.has(name) || newer.has(name)) return 'reads'
  }
  // helpers of the standard's own views, which drivers call
  if (schema === 'information_schema' && name.startsWith('_pg_')) return 'reads'
  if (schema === undefined || schema === 'public' || schema === 'extensions') {
    // hstore's, but more likely somebody's own
    if (name === 'delete') return 'unknown'
    if (contributedFunctions.has(name) || harmlessExtensions.has(name)) return 'reads'
  }
  return 'unknown'
}

/** Functions that change data, files, settings or other sessions, in whatever schema. */
const writing = words(`
  nextval setval set_config pg_extension_config_dump pg_import_system_collations
  lo_creat lo_create lo_export lo_from_bytea lo_import lo_put lo_truncate lo_truncate64 lo_unlink lowrite lo_manage
  brin_summarize_new_values brin_summarize_range brin_desummarize_range gin_clean_pending_list
  pg_cancel_backend pg_terminate_backend pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_promote
  pg_log_backend_memory_contexts pg_stop_making_pinned_objects pg_nextoid
  pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_create_restore_point pg_switch_wal pg_switch_xlog
  pg_wal_replay_pause pg_wal_replay_resume pg_logical_emit_message pg_sync_replication_slots
  pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_create_logical_replication_slot
  pg_create_physical_replication_slot pg_drop_replication_slot pg_replication_slot_advance
  pg_logical_slot_get_binary_changes pg_logical_slot_get_changes
  pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop
  pg_replication_origin_session_reset pg_replication_origin_session_setup pg_replication_origin_xact_reset
  pg_replication_origin_xact_setup
  pg_stat_reset pg_stat_reset_replication_slot pg_stat_reset_shared pg_stat_reset_single_function_counters
  pg_stat_reset_single_table_counters pg_stat_reset_slru pg_stat_reset_subscription_stats pg_stat_reset_backend_stats
  pg_stat_statements_reset pg_restore_relation_stats pg_restore_attribute_stats pg_clear_relation_stats
  pg_clear_attribute_stats
  binary_upgrade_create_empty_extension binary_upgrade_set_missing_value binary_upgrade_set_record_init_privs
  dblink_exec pg_file_write pg_file_rename pg_file_unlink pg_file_sync pg_prewarm pg_truncate_visibility_map
  heap_force_kill heap_force_freeze postgres_fdw_disconnect postgres_fdw_disconnect_all`)

/** Functions declared volatile only because they answer differently each time, or hold a lock. */
const harmless = words(`
  clock_timestamp timeofday random setseed gen_random_uuid pg_sleep pg_sleep_for pg_sleep_until current_query
  currval lastval currtid2 pg_sequence_last_value lo_get lo_open lo_close lo_lseek lo_lseek64 lo_tell lo_tell64 loread
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_blocking_pids pg_safe_snapshot_blocking_pids
  pg_collation_actual_version pg_database_collation_actual_version pg_control_checkpoint pg_control_init
  pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn
  pg_current_wal_lsn pg_database_size pg_indexes_size pg_relation_size pg_table_size pg_tablespace_size
  pg_total_relation_size pg_export_snapshot pg_get_backend_memory_contexts pg_get_multixact_members
  pg_get_shmem_allocations pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_hba_file_rules
  pg_ident_file_mappings pg_is_in_recovery pg_is_wal_replay_paused pg_isolation_test_session_is_blocked
  pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_lock_status pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes
  pg_ls_archive_statusdir pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir
  pg_ls_tmpdir pg_ls_waldir pg_notification_queue_usage pg_notify pg_partition_ancestors pg_partition_tree
  pg_prepared_xact pg_read_binary_file pg_read_file pg_read_file_old pg_replication_origin_progress
  pg_replication_origin_session_is_setup pg_replication_origin_session_progress pg_show_all_file_settings
  pg_show_replication_origin_status pg_stat_clear_snapshot pg_stat_file pg_stat_force_next_flush
  pg_stat_get_recovery_prefetch pg_stat_have_stats pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
  pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
  pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
  pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_returned
  pg_stat_get_xact_tuples_updated pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status txid_status
  query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_rewrite ts_stat
  bernoulli system`)

/** Functions that came after the release the lists were made from. */
const newer = words(`
  any_value array_sample array_shuffle array_reverse array_sort array_random casefold crc32 crc32c date_add
  date_subtract erf erfc gamma lgamma has_largeobject_privilege json_arrayagg jsonb_strip_nulls pg_basetype
  pg_column_toast_chunk_id pg_get_acl pg_get_keywords pg_get_loaded_modules pg_get_sequence_data pg_input_error_info
  pg_input_is_valid pg_read_server_files pg_split_walfile_name pg_stat_get_backend_io pg_wait_events random_normal
  system_user to_bin to_oct to_regtypemod unicode_assigned unicode_version icu_unicode_version uuid_extract_timestamp
  uuid_extract_version uuidv4 uuidv7 xmltext`)

/** Functions of extensions that are declared volatile, or whose extension does not come with PostgreSQL. */
const harmlessExtensions = words(`
  gen_random_bytes gen_salt uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 set_limit
  pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_sym_encrypt pgp_sym_encrypt_bytea
  crosstab crosstab2 crosstab3 crosstab4 connectby normal_rand xpath_table dblink
  cosine_distance inner_product l1_distance l2_distance l2_norm vector_dims vector_norm time_bucket`)

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
