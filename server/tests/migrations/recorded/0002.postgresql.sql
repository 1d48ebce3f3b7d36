-- What the server of commit 5a95e38, at version 0002 and with DBOS, left when it was killed.
-- All times are moved to June 2025 together. Never edited.
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
CREATE SCHEMA dbos;
CREATE FUNCTION dbos.enqueue_workflow(workflow_name text, queue_name text, positional_args json[] DEFAULT ARRAY[]::json[], named_args json DEFAULT '{}'::json, class_name text DEFAULT NULL::text, config_name text DEFAULT NULL::text, workflow_id text DEFAULT NULL::text, app_version text DEFAULT NULL::text, timeout_ms bigint DEFAULT NULL::bigint, deadline_epoch_ms bigint DEFAULT NULL::bigint, deduplication_id text DEFAULT NULL::text, priority integer DEFAULT NULL::integer, queue_partition_key text DEFAULT NULL::text, authenticated_user text DEFAULT NULL::text, authenticated_roles text DEFAULT NULL::text, delay_until_epoch_ms bigint DEFAULT NULL::bigint, application_name text DEFAULT NULL::text) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_workflow_id TEXT;
    v_serialized_inputs TEXT;
    v_owner_xid TEXT;
    v_now BIGINT;
    v_recovery_attempts INT4 := 0;
    v_priority INT4;
    v_status TEXT;
BEGIN
    -- Validate required parameters
    IF workflow_name IS NULL OR workflow_name = '' THEN
        RAISE EXCEPTION 'Workflow name cannot be null or empty';
    END IF;
    IF queue_name IS NULL OR queue_name = '' THEN
        RAISE EXCEPTION 'Queue name cannot be null or empty';
    END IF;
    IF named_args IS NOT NULL AND jsonb_typeof(named_args::jsonb) != 'object' THEN
        RAISE EXCEPTION 'Named args must be a JSON object';
    END IF;
    IF workflow_id IS NOT NULL AND workflow_id = '' THEN
        RAISE EXCEPTION 'Workflow ID cannot be an empty string if provided.';
    END IF;
    IF delay_until_epoch_ms IS NOT NULL AND delay_until_epoch_ms < 0 THEN
        RAISE EXCEPTION 'delay_until_epoch_ms must be >= 0';
    END IF;
    v_workflow_id := COALESCE(workflow_id, gen_random_uuid()::TEXT);
    v_owner_xid := gen_random_uuid()::TEXT;
    v_priority := COALESCE(priority, 0);
    v_serialized_inputs := json_build_object(
        'positionalArgs', positional_args,
        'namedArgs', named_args
    )::TEXT;
    v_now := EXTRACT(epoch FROM now()) * 1000;
    v_status := CASE WHEN delay_until_epoch_ms IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END;
    INSERT INTO "dbos".workflow_status (
        workflow_uuid, status,
        name, class_name, config_name,
        queue_name, deduplication_id, priority, queue_partition_key,
        application_version,
        created_at, updated_at, recovery_attempts,
        workflow_timeout_ms, workflow_deadline_epoch_ms,
        parent_workflow_id, owner_xid, serialization,
        authenticated_user, authenticated_roles,
        delay_until_epoch_ms, application_name
    ) VALUES (
        v_workflow_id, v_status,
        workflow_name, class_name, config_name,
        queue_name, deduplication_id, v_priority, queue_partition_key,
        app_version,
        v_now, v_now, v_recovery_attempts,
        timeout_ms, deadline_epoch_ms,
        NULL, v_owner_xid, 'portable_json',
        authenticated_user, authenticated_roles,
        delay_until_epoch_ms, application_name
    )
    ON CONFLICT (workflow_uuid)
    DO UPDATE SET
        updated_at = EXCLUDED.updated_at;
    INSERT INTO "dbos".workflow_input (
        workflow_uuid, inputs, retention_timestamp
    ) VALUES (
        v_workflow_id, v_serialized_inputs, v_now
    )
    ON CONFLICT (workflow_uuid) DO NOTHING;
    RETURN v_workflow_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION 'DBOS queue duplicated'
            USING DETAIL = format('Workflow %s with queue %s and deduplication ID %s already exists', v_workflow_id, queue_name, deduplication_id),
                ERRCODE = 'unique_violation';
END;
$$;
CREATE FUNCTION dbos.send_message(destination_id text, message json, topic text DEFAULT NULL::text, message_id text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_topic TEXT := COALESCE(topic, '__null__topic__');
    v_message_id TEXT := COALESCE(message_id, gen_random_uuid()::TEXT);
BEGIN
    INSERT INTO "dbos".notifications (
        destination_uuid, topic, message, message_uuid, serialization
    ) VALUES (
        destination_id, v_topic, message, v_message_id, 'portable_json'
    )
    ON CONFLICT (message_uuid) DO NOTHING;
EXCEPTION
    WHEN foreign_key_violation THEN
        RAISE EXCEPTION 'DBOS non-existent workflow'
            USING DETAIL = format('Destination workflow %s does not exist', destination_id),
                ERRCODE = 'foreign_key_violation';
END;
$$;
CREATE TABLE dbos.application_versions (
    version_id text NOT NULL,
    version_name text NOT NULL,
    version_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_name text
);
CREATE TABLE dbos.dbos_migrations (
    version bigint NOT NULL
);
CREATE TABLE dbos.event_dispatch_kv (
    service_name text NOT NULL,
    workflow_fn_name text NOT NULL,
    key text NOT NULL,
    value text,
    update_seq numeric(38,0),
    update_time numeric(38,15)
);
CREATE TABLE dbos.notifications (
    message_uuid text DEFAULT gen_random_uuid() NOT NULL,
    destination_uuid text NOT NULL,
    topic text,
    message text NOT NULL,
    created_at_epoch_ms bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    serialization text,
    consumed boolean DEFAULT false NOT NULL,
    consumed_by_function_id integer
);
CREATE TABLE dbos.operation_outputs (
    workflow_uuid text NOT NULL,
    function_id integer NOT NULL,
    function_name text DEFAULT ''::text NOT NULL,
    output text,
    error text,
    child_workflow_id text,
    started_at_epoch_ms bigint,
    completed_at_epoch_ms bigint,
    serialization text,
    application_name text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);
CREATE TABLE dbos.queues (
    queue_id text DEFAULT (gen_random_uuid())::text NOT NULL,
    name text NOT NULL,
    concurrency integer,
    worker_concurrency integer,
    rate_limit_max integer,
    rate_limit_period_sec double precision,
    priority_enabled boolean DEFAULT false NOT NULL,
    partition_queue boolean DEFAULT false NOT NULL,
    polling_interval_sec double precision DEFAULT 1.0 NOT NULL,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    updated_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_name text,
    partition_concurrency integer,
    partition_worker_concurrency integer,
    partition_rate_limit_max integer,
    partition_rate_limit_period_sec double precision
);
CREATE TABLE dbos.streams (
    workflow_uuid text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    "offset" integer NOT NULL,
    function_id integer DEFAULT 0 NOT NULL,
    serialization text
);
CREATE TABLE dbos.workflow_events (
    workflow_uuid text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    serialization text
);
CREATE TABLE dbos.workflow_events_history (
    workflow_uuid text NOT NULL,
    function_id integer NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    serialization text
);
CREATE TABLE dbos.workflow_input (
    workflow_uuid text NOT NULL,
    inputs text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);
CREATE TABLE dbos.workflow_output (
    workflow_uuid text NOT NULL,
    output text,
    error text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);
CREATE TABLE dbos.workflow_schedules (
    schedule_id text NOT NULL,
    schedule_name text NOT NULL,
    workflow_name text NOT NULL,
    workflow_class_name text,
    schedule text NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    context text NOT NULL,
    last_fired_at text,
    automatic_backfill boolean DEFAULT false NOT NULL,
    cron_timezone text,
    queue_name text,
    application_name text
);
CREATE TABLE dbos.workflow_status (
    workflow_uuid text NOT NULL,
    status text,
    name text,
    authenticated_user text,
    assumed_role text,
    authenticated_roles text,
    request text,
    output text,
    error text,
    executor_id text,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    updated_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_version text,
    application_id text,
    class_name character varying(255) DEFAULT NULL::character varying,
    config_name character varying(255) DEFAULT NULL::character varying,
    recovery_attempts bigint DEFAULT 0,
    queue_name text,
    workflow_timeout_ms bigint,
    workflow_deadline_epoch_ms bigint,
    inputs text,
    started_at_epoch_ms bigint,
    deduplication_id text,
    priority integer DEFAULT 0 NOT NULL,
    queue_partition_key text,
    forked_from text,
    owner_xid text,
    parent_workflow_id text,
    serialization text,
    delay_until_epoch_ms bigint,
    was_forked_from boolean DEFAULT false NOT NULL,
    rate_limited boolean DEFAULT false NOT NULL,
    completed_at bigint,
    attributes jsonb,
    schedule_name text,
    debounce_deadline_epoch_ms bigint,
    is_debounced boolean DEFAULT false NOT NULL,
    application_name text,
    creator_xid text
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    key_id text NOT NULL,
    workspace_id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    digest bytea NOT NULL,
    hint text NOT NULL,
    spending_cap_micros bigint,
    spent_micros bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    CONSTRAINT ck_api_keys_role CHECK ((role = ANY (ARRAY['owner'::text, 'editor'::text, 'viewer'::text])))
);
CREATE TABLE public.canvas_boards (
    project_id text NOT NULL,
    places integer NOT NULL
);
CREATE TABLE public.canvas_nodes (
    node_id text NOT NULL,
    project_id text NOT NULL,
    place integer NOT NULL,
    beside integer NOT NULL,
    type text NOT NULL,
    label text,
    run_id text,
    output_id text,
    width integer,
    height integer,
    x integer NOT NULL,
    y integer NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.idempotency_keys (
    workspace_id text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    run_id text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.ledger_balances (
    workspace_id text NOT NULL,
    balance_micros bigint NOT NULL,
    CONSTRAINT ck_ledger_balances_not_negative CHECK ((balance_micros >= 0))
);
CREATE TABLE public.ledger_entries (
    entry_id text NOT NULL,
    workspace_id text NOT NULL,
    kind text NOT NULL,
    amount_micros bigint NOT NULL,
    run_id text,
    phase text,
    note text,
    created_at bigint NOT NULL,
    CONSTRAINT ck_ledger_entries_kind CHECK ((kind = ANY (ARRAY['grant'::text, 'hold'::text, 'settle'::text, 'release'::text])))
);
CREATE TABLE public.members (
    member_id text NOT NULL,
    workspace_id text NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT ck_members_role CHECK ((role = ANY (ARRAY['owner'::text, 'editor'::text, 'viewer'::text])))
);
CREATE TABLE public.projects (
    project_id text NOT NULL,
    workspace_id text NOT NULL,
    name text NOT NULL,
    origin text,
    created_at bigint NOT NULL,
    last_modified bigint NOT NULL
);
CREATE TABLE public.run_outputs (
    output_id text NOT NULL,
    run_id text NOT NULL,
    "position" integer NOT NULL,
    type text NOT NULL,
    text text,
    blob text,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    width integer,
    height integer,
    created_at bigint NOT NULL
);
CREATE TABLE public.runs (
    run_id text NOT NULL,
    workspace_id text NOT NULL,
    project_id text NOT NULL,
    key_id text NOT NULL,
    kind text NOT NULL,
    type text NOT NULL,
    model_id text NOT NULL,
    prompt text NOT NULL,
    params json NOT NULL,
    node_id text NOT NULL,
    state text NOT NULL,
    progress integer NOT NULL,
    held_micros bigint NOT NULL,
    cost_micros bigint,
    estimated_seconds integer,
    error_code text,
    error_message text,
    worker_id text,
    attempts integer NOT NULL,
    created_at bigint NOT NULL,
    started_at bigint,
    completed_at bigint,
    preview text,
    CONSTRAINT ck_runs_state CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);
CREATE TABLE public.workers (
    worker_id text NOT NULL,
    started_at bigint NOT NULL,
    heartbeat_at bigint NOT NULL
);
CREATE TABLE public.workspaces (
    workspace_id text NOT NULL,
    name text NOT NULL,
    rate_limit integer,
    webhook_secret text NOT NULL,
    created_at bigint NOT NULL
);
INSERT INTO dbos.application_versions VALUES ('4ba04a04-db03-40e2-bf36-fac18ec3ff0b', '1', 1750001650712, 1750001650712, 'terrarium');
INSERT INTO dbos.dbos_migrations VALUES (125);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5f0fps9dvmf2dpj46w2', 1, 'submit', 'gASVKAAAAAAAAAB9lIwGdGlja2V0lIwYcGFpZC8yL2ltYWdlL2EgYmx1ZSBiYWxslHMu', NULL, NULL, 1750001650773, 1750001650782, 'py_pickle', 'terrarium', 1750001650783);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5fet920mk1k4fh72yj7', 1, 'submit', 'gASVMQAAAAAAAAB9lIwGdGlja2V0lIwhc2Vjb25kLzEvaW1hZ2UvbWFkZSBvbiB0aGUgc2Vjb25klHMu', NULL, NULL, 1750001650776, 1750001650784, 'py_pickle', 'terrarium', 1750001650785);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5fmb51gvprwkm4eykz1', 1, 'submit', 'gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001650778, 1750001650785, 'py_pickle', 'terrarium', 1750001650786);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5f6d63vss9f5d0sqkse', 1, 'submit', 'gASVIwAAAAAAAAB9lIwGdGlja2V0lIwTcGFpZC8xL3RleHQvYSBoYWlrdZRzLg==', NULL, NULL, 1750001650770, 1750001650782, 'py_pickle', 'terrarium', 1750001650783);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5ft2n5zdjrb37zdqfw2', 1, 'submit', 'gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001650781, 1750001650785, 'py_pickle', 'terrarium', 1750001650785);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x5qjraswy412dn8xxcrs', 1, 'submit', 'gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkcGFpZC8zL2ltYWdlL2NhbmNlbGxlZCB3aGlsZSBydW5uaW5nlHMu', NULL, NULL, 1750001650943, 1750001650945, 'py_pickle', 'terrarium', 1750001650946);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x6ckskzee02c63k4m5zr', 1, 'submit', 'gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlcGFpZC80L2ltYWdlL3dhaXRzIHRocm91Z2ggdHdvIGRlYXRoc5RzLg==', NULL, NULL, 1750001651618, 1750001651621, 'py_pickle', 'terrarium', 1750001651622);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9jg7hjw26wswe7ek4q8', 1, 'submit', 'gASVIgAAAAAAAAB9lIwGdGlja2V0lIwScGFpZC8xL2ltYWdlL3dhaXRzlHMu', NULL, NULL, 1750001654887, 1750001654889, 'py_pickle', 'terrarium', 1750001654890);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9k0mmkddsgcnv3m42qk', 1, 'submit', 'gASVLAAAAAAAAAB9lIwGdGlja2V0lIwccGFpZC8yL2ltYWdlL3Nob3dzIGEgcHJldmlld5RzLg==', NULL, NULL, 1750001654903, 1750001654908, 'py_pickle', 'terrarium', 1750001654911);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mjacnfe82wpv6m46aw', 1, 'submit', 'gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001654943, 1750001654947, 'py_pickle', 'terrarium', 1750001654949);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mjacnfe82wpv6m46aw', 2, 'submit', 'gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlc2Vjb25kLzEvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgcmVmdXNhbJRzLg==', NULL, NULL, 1750001654952, 1750001654956, 'py_pickle', 'terrarium', 1750001654957);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 1, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001654957, 1750001654961, 'py_pickle', 'terrarium', 1750001654962);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9n3051cfrk0g9jzer3a', 1, 'submit', 'gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkZmlyc3QvMS9pbWFnZS9zZWNvbmQgYWZ0ZXIgYSBmYWlsdXJllHMu', NULL, NULL, 1750001654967, 1750001654971, 'py_pickle', 'terrarium', 1750001654972);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9nejc3n6ek6prcepdhe', 1, 'submit', 'gASVRQAAAAAAAAB9lIwGdGlja2V0lIw1Zmlyc3QvMi9pbWFnZS9zZWNvbmQgYWZ0ZXIgYSBmYWlsdXJlLCBzZWNvbmQgb25lIGdvbmWUcy4=', NULL, NULL, 1750001654974, 1750001654981, 'py_pickle', 'terrarium', 1750001654981);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9n3051cfrk0g9jzer3a', 2, 'submit', 'gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlc2Vjb25kLzIvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgZmFpbHVyZZRzLg==', NULL, NULL, 1750001654976, 1750001654987, 'py_pickle', 'terrarium', 1750001654988);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9nejc3n6ek6prcepdhe', 2, 'submit', 'gASVRAAAAAAAAAB9lIwGdGlja2V0lIw0cGFpZC8zL2ltYWdlL3NlY29uZCBhZnRlciBhIGZhaWx1cmUsIHNlY29uZCBvbmUgZ29uZZRzLg==', NULL, NULL, 1750001654986, 1750001654993, 'py_pickle', 'terrarium', 1750001654994);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9nrq51tw1sjrq8pamyj', 1, 'submit', 'gASVNgAAAAAAAAB9lIwGdGlja2V0lIwmc2Vjb25kLzMvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgZnJlZSBvbmWUcy4=', NULL, NULL, 1750001654985, 1750001654993, 'py_pickle', 'terrarium', 1750001654993);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9ptm7d3mza4989tdrc7', 1, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655014, 1750001655021, 'py_pickle', 'terrarium', 1750001655022);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 1, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655023, 1750001655027, 'py_pickle', 'terrarium', 1750001655028);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q8avsps8d833j194z9', 1, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655035, 1750001655039, 'py_pickle', 'terrarium', 1750001655040);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9qjfyd2sf6xbkech0ep', 1, 'submit', 'gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001655047, 1750001655051, 'py_pickle', 'terrarium', 1750001655052);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9qxjh0bz046hppescwt', 1, 'submit', 'gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001655050, 1750001655058, 'py_pickle', 'terrarium', 1750001655059);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9r60r02ypewct454ahg', 1, 'submit', 'gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001655062, 1750001655066, 'py_pickle', 'terrarium', 1750001655067);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9qxjh0bz046hppescwt', 2, 'submit', 'gASVdwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST1ZJREVSX1RJTUVPVVSUjAdtZXNzYWdllIwxVGhlIHNlY29uZCBwcm92aWRlciB0b29rIHRvbyBsb25nOyB0cnkgb25jZSBtb3JlLpSMC3JldHJ5X2FmdGVylE51Lg==', NULL, NULL, 1750001655064, 1750001655073, 'py_pickle', 'terrarium', 1750001655074);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9rg30253nz63w2a395g', 1, 'submit', 'gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkcGFpZC80L2ltYWdlL29mIGEgbW9kZWwgdGhhdCBpcyBnb25llHMu', NULL, NULL, 1750001655073, 1750001655083, 'py_pickle', 'terrarium', 1750001655083);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9rwpjqaeq5rnhkf6h5g', 1, 'submit', 'gASVLAAAAAAAAAB9lIwGdGlja2V0lIwccGFpZC81L3RleHQvYSB0ZXh0IHVuZGVyIHdheZRzLg==', NULL, NULL, 1750001655086, 1750001655087, 'py_pickle', 'terrarium', 1750001655088);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 2, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655168, 1750001655170, 'py_pickle', 'terrarium', 1750001655170);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9ptm7d3mza4989tdrc7', 2, 'submit', 'gASVMAAAAAAAAAB9lIwGdGlja2V0lIwgcGFpZC82L2ltYWdlL2J1c3ksIHRoZW4gYSB0aWNrZXSUcy4=', NULL, NULL, 1750001655227, 1750001655228, 'py_pickle', 'terrarium', 1750001655229);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 2, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655231, 1750001655233, 'py_pickle', 'terrarium', 1750001655234);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 3, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655374, 1750001655377, 'py_pickle', 'terrarium', 1750001655378);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 4, 'submit', 'gASVNgAAAAAAAAB9lIwGdGlja2V0lIwmc2Vjb25kLzQvaW1hZ2Uvc2Vjb25kIGFmdGVyIGJlaW5nIGJ1c3mUcy4=', NULL, NULL, 1750001655382, 1750001655384, 'py_pickle', 'terrarium', 1750001655385);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 3, 'submit', 'gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=', NULL, NULL, 1750001655437, 1750001655439, 'py_pickle', 'terrarium', 1750001655440);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 4, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655444, 1750001655446, 'py_pickle', 'terrarium', 1750001655451);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 5, 'submit', 'gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu', NULL, NULL, 1750001655654, 1750001655656, 'py_pickle', 'terrarium', 1750001655657);
INSERT INTO dbos.operation_outputs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 6, 'submit', 'gASVMQAAAAAAAAB9lIwGdGlja2V0lIwhc2Vjb25kLzUvaW1hZ2UvYnVzeSB0d2ljZSBvbiBlYWNolHMu', NULL, NULL, 1750001655861, 1750001655863, 'py_pickle', 'terrarium', 1750001655864);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5f0fps9dvmf2dpj46w2', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVmMGZwczlkdm1mMmRwajQ2dzKUhZSMBmt3YXJnc5R9lHUu', 1750001650757);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5f6d63vss9f5d0sqkse', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVmNmQ2M3ZzczlmNWQwc3Frc2WUhZSMBmt3YXJnc5R9lHUu', 1750001650761);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5fet920mk1k4fh72yj7', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVmZXQ5MjBtazFrNGZoNzJ5ajeUhZSMBmt3YXJnc5R9lHUu', 1750001650769);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5fmb51gvprwkm4eykz1', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVmbWI1MWd2cHJ3a200ZXlrejGUhZSMBmt3YXJnc5R9lHUu', 1750001650761);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5ft2n5zdjrb37zdqfw2', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVmdDJuNXpkanJiMzd6ZHFmdzKUhZSMBmt3YXJnc5R9lHUu', 1750001650773);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x5qjraswy412dn8xxcrs', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDVxanJhc3d5NDEyZG44eHhjcnOUhZSMBmt3YXJnc5R9lHUu', 1750001650941);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x6ckskzee02c63k4m5zr', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDZja3NremVlMDJjNjNrNG01enKUhZSMBmt3YXJnc5R9lHUu', 1750001651616);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9jg7hjw26wswe7ek4q8', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlqZzdoancyNndzd2U3ZWs0cTiUhZSMBmt3YXJnc5R9lHUu', 1750001654884);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9k0mmkddsgcnv3m42qk', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlrMG1ta2Rkc2djbnYzbTQycWuUhZSMBmt3YXJnc5R9lHUu', 1750001654898);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9mcavsv77qh0ak0r8gv', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDltY2F2c3Y3N3FoMGFrMHI4Z3aUhZSMBmt3YXJnc5R9lHUu', 1750001654932);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9mjacnfe82wpv6m46aw', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDltamFjbmZlODJ3cHY2bTQ2YXeUhZSMBmt3YXJnc5R9lHUu', 1750001654940);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlteGF0aGZ6c3BqZ2pydG5ia2iUhZSMBmt3YXJnc5R9lHUu', 1750001654952);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9n3051cfrk0g9jzer3a', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDluMzA1MWNmcmswZzlqemVyM2GUhZSMBmt3YXJnc5R9lHUu', 1750001654962);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9nejc3n6ek6prcepdhe', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDluZWpjM242ZWs2cHJjZXBkaGWUhZSMBmt3YXJnc5R9lHUu', 1750001654971);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9nrq51tw1sjrq8pamyj', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlucnE1MXR3MXNqcnE4cGFteWqUhZSMBmt3YXJnc5R9lHUu', 1750001654981);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9p898vg22xrk5qhqhat', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlwODk4dmcyMnhyazVxaHFoYXSUhZSMBmt3YXJnc5R9lHUu', 1750001655002);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9ptm7d3mza4989tdrc7', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlwdG03ZDNtemE0OTg5dGRyYzeUhZSMBmt3YXJnc5R9lHUu', 1750001655011);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlxMTByZDV5M3ExeWN0Y3d4NjGUhZSMBmt3YXJnc5R9lHUu', 1750001655019);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9q8avsps8d833j194z9', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlxOGF2c3BzOGQ4MzNqMTk0ejmUhZSMBmt3YXJnc5R9lHUu', 1750001655032);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9qjfyd2sf6xbkech0ep', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlxamZ5ZDJzZjZ4YmtlY2gwZXCUhZSMBmt3YXJnc5R9lHUu', 1750001655042);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9qxjh0bz046hppescwt', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlxeGpoMGJ6MDQ2aHBwZXNjd3SUhZSMBmt3YXJnc5R9lHUu', 1750001655047);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9r60r02ypewct454ahg', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlyNjByMDJ5cGV3Y3Q0NTRhaGeUhZSMBmt3YXJnc5R9lHUu', 1750001655058);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9rg30253nz63w2a395g', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlyZzMwMjUzbno2M3cyYTM5NWeUhZSMBmt3YXJnc5R9lHUu', 1750001655071);
INSERT INTO dbos.workflow_input VALUES ('run_01m8f1x9rwpjqaeq5rnhkf6h5g', 'gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxeDlyd3BqcWFlcTVybmhrZjZoNWeUhZSMBmt3YXJnc5R9lHUu', 1750001655084);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5f6d63vss9f5d0sqkse', 'gAROLg==', NULL, 1750001650808);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5fet920mk1k4fh72yj7', 'gAROLg==', NULL, 1750001650809);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5f0fps9dvmf2dpj46w2', 'gAROLg==', NULL, 1750001650811);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5ft2n5zdjrb37zdqfw2', 'gAROLg==', NULL, 1750001650814);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5fmb51gvprwkm4eykz1', 'gAROLg==', NULL, 1750001650814);
INSERT INTO dbos.workflow_output VALUES ('run_01m8f1x5qjraswy412dn8xxcrs', 'gAROLg==', NULL, 1750001652155);
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5f6d63vss9f5d0sqkse', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650761, 1750001650808, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001650808, 'null', NULL, NULL, false, 'terrarium', '2aceb35c-cda3-4612-adfe-f927b322079e');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5fet920mk1k4fh72yj7', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650769, 1750001650809, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001650809, 'null', NULL, NULL, false, 'terrarium', 'a26cd7dd-eec6-4971-bf96-a5065e2b7216');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5f0fps9dvmf2dpj46w2', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650757, 1750001650811, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001650811, 'null', NULL, NULL, false, 'terrarium', '2c97baff-d6bf-46c3-b71f-0b5bc523332e');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5ft2n5zdjrb37zdqfw2', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650773, 1750001650814, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001650814, 'null', NULL, NULL, false, 'terrarium', '9e39fc57-5db5-4a41-a34a-d5f43f60b5f0');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5fmb51gvprwkm4eykz1', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650761, 1750001650814, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001650814, 'null', NULL, NULL, false, 'terrarium', 'd5f6896a-3669-48d7-9e59-184f71372852');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x5qjraswy412dn8xxcrs', 'SUCCESS', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1750001650941, 1750001652155, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 'py_pickle', NULL, false, false, 1750001652155, 'null', NULL, NULL, false, 'terrarium', 'ec9df02f-a19d-421a-a91a-6e2f077979de');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x6ckskzee02c63k4m5zr', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001651616, 1750001654169, '1', '', NULL, NULL, 1, '_dbos_internal_queue', NULL, NULL, NULL, 1750001654169, NULL, 0, NULL, NULL, '11e01fa6-8f02-4e41-ae06-1a2799377d67', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '724b6730-1efc-4089-ba35-918b72896ef2');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9jg7hjw26wswe7ek4q8', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654884, 1750001654884, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'da376a69-f9ae-4aee-bee4-29644e11a7aa', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'da376a69-f9ae-4aee-bee4-29644e11a7aa');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9k0mmkddsgcnv3m42qk', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654898, 1750001654898, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '7d59ec8f-afc9-4cfe-8f7a-53e7fe77b4bf', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '7d59ec8f-afc9-4cfe-8f7a-53e7fe77b4bf');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9mcavsv77qh0ak0r8gv', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654932, 1750001654932, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'e7883d79-22c9-4821-83b9-1a0905b34291', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'e7883d79-22c9-4821-83b9-1a0905b34291');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9mjacnfe82wpv6m46aw', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654940, 1750001654940, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'aeb52a91-5c76-43a2-a2be-e6cbe8fb2f11', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'aeb52a91-5c76-43a2-a2be-e6cbe8fb2f11');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654952, 1750001654952, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '4c3f3e1c-1995-4774-a956-5c5da254857d', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '4c3f3e1c-1995-4774-a956-5c5da254857d');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9n3051cfrk0g9jzer3a', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654962, 1750001654962, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'c9156dc3-cfe4-4e79-8163-1c830df04ddd', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'c9156dc3-cfe4-4e79-8163-1c830df04ddd');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9nejc3n6ek6prcepdhe', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654971, 1750001654971, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '8dce0ef0-b6a0-44c1-9326-03b0303bf7ed', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '8dce0ef0-b6a0-44c1-9326-03b0303bf7ed');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9nrq51tw1sjrq8pamyj', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001654981, 1750001654981, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '55f5f187-db2f-4c7f-b4da-579da1894cd1', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '55f5f187-db2f-4c7f-b4da-579da1894cd1');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9p898vg22xrk5qhqhat', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655002, 1750001655002, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '24617f45-91fe-4e5a-b568-3dca7b921395', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '24617f45-91fe-4e5a-b568-3dca7b921395');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9ptm7d3mza4989tdrc7', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655011, 1750001655011, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'd7adf036-7870-4c0f-b844-3385341b91d0', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'd7adf036-7870-4c0f-b844-3385341b91d0');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655019, 1750001655019, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'ec9f569c-18f9-434b-a3b5-a6cf6cc9ba6e', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'ec9f569c-18f9-434b-a3b5-a6cf6cc9ba6e');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9q8avsps8d833j194z9', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655032, 1750001655032, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '78dfd190-45bf-4fbb-a606-cb9dfb4499ac', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '78dfd190-45bf-4fbb-a606-cb9dfb4499ac');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9qjfyd2sf6xbkech0ep', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655042, 1750001655042, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'e88b653f-4db3-4b8e-a66e-f74c491967c3', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'e88b653f-4db3-4b8e-a66e-f74c491967c3');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9qxjh0bz046hppescwt', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655047, 1750001655047, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '73bc2188-2d58-4f62-9e15-da26111e0f1c', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '73bc2188-2d58-4f62-9e15-da26111e0f1c');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9r60r02ypewct454ahg', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655058, 1750001655058, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '40ded62e-495a-49fe-be6a-c20327a9b5f8', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', '40ded62e-495a-49fe-be6a-c20327a9b5f8');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9rg30253nz63w2a395g', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655071, 1750001655071, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'bb8c41d2-f731-45af-a5e0-451592c9a0bf', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'bb8c41d2-f731-45af-a5e0-451592c9a0bf');
INSERT INTO dbos.workflow_status VALUES ('run_01m8f1x9rwpjqaeq5rnhkf6h5g', 'PENDING', 'generation', NULL, NULL, NULL, NULL, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001655084, 1750001655084, '1', '', NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'a5a64e47-c3a8-4337-8b6c-186ca94b50f7', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'terrarium', 'a5a64e47-c3a8-4337-8b6c-186ca94b50f7');
INSERT INTO public.alembic_version VALUES ('0002');
INSERT INTO public.api_keys VALUES ('key_01m8f1x54qwppqbbvq1hfzw7rm', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'first key', 'owner', '\x78963db1a6429dc7864e14e1d5040cfaede34bd88aff30bea99da6e06f2b4fba', 'rded', NULL, 0, 1750001650318, NULL, NULL);
INSERT INTO public.api_keys VALUES ('key_01m8f1x5989jvp8d2h7r5k7hbd', 'ws_01m8f1x58zexydtet7thgdrphe', 'uncapped', 'editor', '\x0e6d22184717b63e273c9a797ae0f3f8a665c7bd964184f53b719b600a2db7fa', '5tqq', NULL, 0, 1750001650461, NULL, NULL);
INSERT INTO public.api_keys VALUES ('key_01m8f1x596gc4te02nfzejwptq', 'ws_01m8f1x58zexydtet7thgdrphe', 'capped', 'editor', '\xe84f7209f496ce3e15d3dac5ac088d8710d18b2fd8a0813ef20703cf97b53ff3', 'bsdz', 5000000, 307400, 1750001650461, NULL, NULL);
INSERT INTO public.canvas_boards VALUES ('prj_01m8f1x5937q3xxfhebc5sgj9r', 24);
INSERT INTO public.canvas_boards VALUES ('prj_01m8f1x54md2gt42tdc4g8x3k2', 8);
INSERT INTO public.canvas_nodes VALUES ('f60c9c3c-4845-43a1-b788-ac8e12bcae4d', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 2, 0, 'image', 'refused', 'run_01m8f1x5fmb51gvprwkm4eykz1', NULL, NULL, NULL, 720, 0, 1750001650676);
INSERT INTO public.canvas_nodes VALUES ('e4f848f2-f5cf-4dca-a364-a4490af81983', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 2, 0, 'image', 'refused', 'run_01m8f1x5ft2n5zdjrb37zdqfw2', NULL, NULL, NULL, 720, 0, 1750001650682);
INSERT INTO public.canvas_nodes VALUES ('3767e7aa-3f7e-4371-85e4-eadbf33fc257', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 0, 0, 'image', 'a red cube', 'run_01m8f1x5edyhx8y8s4az2vq4se', 'out_01m8f1x5hyww7krcffx6gbt9f8', 8, 8, 0, 0, 1750001650637);
INSERT INTO public.canvas_nodes VALUES ('bee72265-2e6e-4d6f-8015-ff74b10c5831', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 0, 0, 'text', 'a haiku', 'run_01m8f1x5f6d63vss9f5d0sqkse', 'out_01m8f1x5kbx1fxg4zczk0se12h', NULL, NULL, 0, 0, 1750001650662);
INSERT INTO public.canvas_nodes VALUES ('23531f9d-37ca-4e62-b7fe-1444ee949388', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 1, 0, 'image', 'a blue ball', 'run_01m8f1x5f0fps9dvmf2dpj46w2', 'out_01m8f1x5kbhb5d5npz39xqmxmd', 8, 8, 360, 0, 1750001650656);
INSERT INTO public.canvas_nodes VALUES ('f338e770-5e57-4d91-ba2f-a9814c613302', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 1, 0, 'image', 'made on the second', 'run_01m8f1x5fet920mk1k4fh72yj7', 'out_01m8f1x5ka9k9mc6jr9qf9y084', 8, 8, 360, 0, 1750001650670);
INSERT INTO public.canvas_nodes VALUES ('492e9cd2-db2c-405a-ba9f-5218b912ffaf', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 3, 0, 'image', 'cancelled while running', 'run_01m8f1x5qjraswy412dn8xxcrs', NULL, NULL, NULL, 1080, 0, 1750001650930);
INSERT INTO public.canvas_nodes VALUES ('e297899d-b146-4160-885f-a19cb3fb1a6c', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 4, 0, 'image', 'waits through two deaths', 'run_01m8f1x6ckskzee02c63k4m5zr', NULL, NULL, NULL, 0, 360, 1750001651603);
INSERT INTO public.canvas_nodes VALUES ('f56b5644-0aab-4769-81ff-246b99037c45', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 5, 0, 'image', 'free through two deaths', 'run_01m8f1x6cxb7gk1tbvvd8t1f3k', NULL, NULL, NULL, 360, 360, 1750001651613);
INSERT INTO public.canvas_nodes VALUES ('8d92616b-34d5-42ab-ba99-58cb5dd7cfe8', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 3, 0, 'image', 'waits', 'run_01m8f1x9jg7hjw26wswe7ek4q8', NULL, NULL, NULL, 1080, 0, 1750001654864);
INSERT INTO public.canvas_nodes VALUES ('e6f4376d-9f48-49d9-abe9-fd82332c6864', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 6, 0, 'image', 'shows a preview', 'run_01m8f1x9k0mmkddsgcnv3m42qk', NULL, NULL, NULL, 720, 360, 1750001654880);
INSERT INTO public.canvas_nodes VALUES ('5ec2bec4-dd1c-4fc6-b9dd-cf39852fc5c2', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 7, 0, 'image', 'free', 'run_01m8f1x9khpx1f4px8h8sx9xet', NULL, NULL, NULL, 1080, 360, 1750001654897);
INSERT INTO public.canvas_nodes VALUES ('36023187-bad9-4d9f-a8b3-1488a9fbf1b0', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 8, 0, 'image', 'claimed only', 'run_01m8f1x9m37ghmc8x0sdq7bhef', NULL, NULL, NULL, 0, 720, 1750001654915);
INSERT INTO public.canvas_nodes VALUES ('d16d78e2-6b4a-4212-b944-6887c5a31921', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 9, 0, 'image', 'never submitted', 'run_01m8f1x9mcavsv77qh0ak0r8gv', NULL, NULL, NULL, 360, 720, 1750001654924);
INSERT INTO public.canvas_nodes VALUES ('11bc527f-079c-4bfe-a477-08f4c42dfdef', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 10, 0, 'image', 'second after a refusal', 'run_01m8f1x9mjacnfe82wpv6m46aw', NULL, NULL, NULL, 720, 720, 1750001654930);
INSERT INTO public.canvas_nodes VALUES ('4d3f1801-db97-4f67-be23-f07d5272449b', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 11, 0, 'image', 'second after being busy', 'run_01m8f1x9mxathfzspjgjrtnbkh', NULL, NULL, NULL, 1080, 720, 1750001654941);
INSERT INTO public.canvas_nodes VALUES ('b384e0b6-eb5e-4a63-b0cb-9e00868c6ee1', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 4, 0, 'image', 'second after a failure', 'run_01m8f1x9n3051cfrk0g9jzer3a', NULL, NULL, NULL, 0, 360, 1750001654947);
INSERT INTO public.canvas_nodes VALUES ('225e7a3d-1bdf-4c46-b336-79028807066f', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 12, 0, 'image', 'second after a failure, second one gone', 'run_01m8f1x9nejc3n6ek6prcepdhe', NULL, NULL, NULL, 0, 1080, 1750001654958);
INSERT INTO public.canvas_nodes VALUES ('a312a47d-73aa-4cd1-b8b2-e791a627170f', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 5, 0, 'image', 'second after a free one', 'run_01m8f1x9nrq51tw1sjrq8pamyj', NULL, NULL, NULL, 360, 360, 1750001654968);
INSERT INTO public.canvas_nodes VALUES ('a4c42d3c-1a70-45b6-b0b7-d154760ed73d', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 13, 0, 'image', 'free one with a paid second', 'run_01m8f1x9p898vg22xrk5qhqhat', NULL, NULL, NULL, 360, 1080, 1750001654984);
INSERT INTO public.canvas_nodes VALUES ('2f993e32-d02b-4f76-a328-62d64719acc1', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 14, 0, 'image', 'busy, then a ticket', 'run_01m8f1x9ptm7d3mza4989tdrc7', NULL, NULL, NULL, 720, 1080, 1750001655002);
INSERT INTO public.canvas_nodes VALUES ('afb051af-9f63-4602-bf45-22f08bf58994', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 15, 0, 'image', 'busy twice on each', 'run_01m8f1x9q10rd5y3q1yctcwx61', NULL, NULL, NULL, 1080, 1080, 1750001655009);
INSERT INTO public.canvas_nodes VALUES ('9a93e258-d814-40b6-8db5-e18c977462a1', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 16, 0, 'image', 'busy, then nothing', 'run_01m8f1x9q8avsps8d833j194z9', NULL, NULL, NULL, 0, 1440, 1750001655016);
INSERT INTO public.canvas_nodes VALUES ('6b06ac12-b6fd-4b9a-887e-859dd9628ced', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 17, 0, 'image', 'refused, not failed yet', 'run_01m8f1x9qjfyd2sf6xbkech0ep', NULL, NULL, NULL, 360, 1440, 1750001655026);
INSERT INTO public.canvas_nodes VALUES ('15e50163-706e-407e-961f-69e83648638d', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 18, 0, 'image', 'refused twice, not failed yet', 'run_01m8f1x9qxjh0bz046hppescwt', NULL, NULL, NULL, 720, 1440, 1750001655037);
INSERT INTO public.canvas_nodes VALUES ('0cbb0e36-c9ec-4191-8f8d-62f7da7245f2', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 19, 0, 'image', 'refused, second never submitted', 'run_01m8f1x9r60r02ypewct454ahg', NULL, NULL, NULL, 1080, 1440, 1750001655046);
INSERT INTO public.canvas_nodes VALUES ('a9b27de3-dca9-43a8-8bf4-8bbbf770a25c', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 20, 0, 'image', 'of a model that is gone', 'run_01m8f1x9rg30253nz63w2a395g', NULL, NULL, NULL, 0, 1800, 1750001655056);
INSERT INTO public.canvas_nodes VALUES ('6762cdb6-3255-40d7-b143-d58c4c2087fe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 21, 0, 'text', 'a text under way', 'run_01m8f1x9rwpjqaeq5rnhkf6h5g', NULL, NULL, NULL, 360, 1800, 1750001655068);
INSERT INTO public.canvas_nodes VALUES ('e51bf64d-2d87-48eb-85e1-ce9f234c2218', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 6, 0, 'image', 'pending', 'run_01m8f1xdkpbqmp78s1xcnsnmgc', NULL, NULL, NULL, 720, 360, 1750001658998);
INSERT INTO public.canvas_nodes VALUES ('c7732b0e-7ec0-418d-a0a8-08eb6f372c38', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 22, 0, 'image', 'pending', 'run_01m8f1xdm20kfebbx76qmqjx9m', NULL, NULL, NULL, 720, 1800, 1750001659010);
INSERT INTO public.canvas_nodes VALUES ('dddabece-45fe-4284-85c6-cdb4235348df', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 23, 0, 'image', 'pending, model gone', 'run_01m8f1xdma9559d2yfstg41dh2', NULL, NULL, NULL, 1080, 1800, 1750001659018);
INSERT INTO public.canvas_nodes VALUES ('64b1cd1e-2061-4cf0-816a-12ccdc4b84df', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 7, 0, 'image', 'cancelled while pending', 'run_01m8f1xdmgy7ev4qyaa86j123b', NULL, NULL, NULL, 1080, 360, 1750001659024);
INSERT INTO public.idempotency_keys VALUES ('ws_01m8f1x54g4n5tgwq4qv841fqd', 'generation', 'only once', 'run_01m8f1x5edyhx8y8s4az2vq4se', 1750008850637);
INSERT INTO public.idempotency_keys VALUES ('ws_01m8f1x54g4n5tgwq4qv841fqd', 'generation', 'pending once', 'run_01m8f1xdkpbqmp78s1xcnsnmgc', 1750008858998);
INSERT INTO public.ledger_balances VALUES ('ws_01m8f1x58zexydtet7thgdrphe', 19637600);
INSERT INTO public.ledger_balances VALUES ('ws_01m8f1x54g4n5tgwq4qv841fqd', 99943400);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x54er5e0nv44q2jp8j8e', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'grant', 100000000, NULL, NULL, 'first start', 1750001650318);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x58xh47aaqpmdftnxz1z', 'ws_01m8f1x58zexydtet7thgdrphe', 'grant', 20000000, NULL, NULL, 'for the recording', 1750001650461);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5edx3c6bm55a1c79p7z', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -4000, 'run_01m8f1x5edyhx8y8s4az2vq4se', 'open', NULL, 1750001650637);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5f04bjhz12pmxvsz0kw', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -12300, 'run_01m8f1x5f0fps9dvmf2dpj46w2', 'open', NULL, 1750001650656);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5f6mw6bjnd51gs8ge77', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -1000, 'run_01m8f1x5f6d63vss9f5d0sqkse', 'open', NULL, 1750001650662);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5fevpd7rty6vm9fwvpy', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -30000, 'run_01m8f1x5fet920mk1k4fh72yj7', 'open', NULL, 1750001650670);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5fmyj32f2a6t1wr6zn8', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -12300, 'run_01m8f1x5fmb51gvprwkm4eykz1', 'open', NULL, 1750001650676);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5ftgtf9t4tf5n55wdxf', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x5ft2n5zdjrb37zdqfw2', 'open', NULL, 1750001650682);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5j108d24qyzwpqbv6be', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'settle', 0, 'run_01m8f1x5edyhx8y8s4az2vq4se', 'close', NULL, 1750001650753);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5kba4r0r8mt028gdy83', 'ws_01m8f1x58zexydtet7thgdrphe', 'settle', 0, 'run_01m8f1x5f6d63vss9f5d0sqkse', 'close', NULL, 1750001650795);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5kdejqagjmvgzrr2fb5', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'settle', 0, 'run_01m8f1x5f0fps9dvmf2dpj46w2', 'close', NULL, 1750001650797);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5kdy465445egcvadfjc', 'ws_01m8f1x58zexydtet7thgdrphe', 'settle', 0, 'run_01m8f1x5fet920mk1k4fh72yj7', 'close', NULL, 1750001650797);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5kdyzgz5n0knharr9vq', 'ws_01m8f1x58zexydtet7thgdrphe', 'release', 12300, 'run_01m8f1x5ft2n5zdjrb37zdqfw2', 'close', NULL, 1750001650797);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5kb3hnkjvdhxz95fzhf', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'release', 12300, 'run_01m8f1x5fmb51gvprwkm4eykz1', 'close', NULL, 1750001650795);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x5qja800dr7cw4vr4rgf', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x5qjraswy412dn8xxcrs', 'open', NULL, 1750001650930);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x6ca43fxm5akd6yv61s1', 'ws_01m8f1x58zexydtet7thgdrphe', 'release', 12300, 'run_01m8f1x5qjraswy412dn8xxcrs', 'close', NULL, 1750001651594);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x6ckt45v30pa00qh9xnp', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x6ckskzee02c63k4m5zr', 'open', NULL, 1750001651603);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x6cxd2qc4wc15x920wbm', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -4000, 'run_01m8f1x6cxb7gk1tbvvd8t1f3k', 'open', NULL, 1750001651613);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9jgfnbpp6hv06z7kdqb', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -12300, 'run_01m8f1x9jg7hjw26wswe7ek4q8', 'open', NULL, 1750001654864);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9k0ak5rwxsh0se4pfb2', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9k0mmkddsgcnv3m42qk', 'open', NULL, 1750001654880);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9kh7413e30e5n0akjx6', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -4000, 'run_01m8f1x9khpx1f4px8h8sx9xet', 'open', NULL, 1750001654897);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9m3tawmtqvdfg7x9zhf', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9m37ghmc8x0sdq7bhef', 'open', NULL, 1750001654915);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9mc8zq6nvvf5g2dw905', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9mcavsv77qh0ak0r8gv', 'open', NULL, 1750001654924);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9mjsfhnpxn26t6rbwz2', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9mjacnfe82wpv6m46aw', 'open', NULL, 1750001654930);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9mx883gsphg2key9ykb', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9mxathfzspjgjrtnbkh', 'open', NULL, 1750001654941);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9n3c53e76ykt2pzjkne', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -20000, 'run_01m8f1x9n3051cfrk0g9jzer3a', 'open', NULL, 1750001654947);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9ne5hjk3efz27yh30nm', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9nejc3n6ek6prcepdhe', 'open', NULL, 1750001654958);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9nrrhmdzvz89ex78wbs', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -4000, 'run_01m8f1x9nrq51tw1sjrq8pamyj', 'open', NULL, 1750001654968);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9p8bxc07p1skv21fnee', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -4000, 'run_01m8f1x9p898vg22xrk5qhqhat', 'open', NULL, 1750001654984);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9pth2b19133d0ym424r', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9ptm7d3mza4989tdrc7', 'open', NULL, 1750001655002);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9q1b8eqfecc7b4mrhvx', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9q10rd5y3q1yctcwx61', 'open', NULL, 1750001655009);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9q8qmadnq0d83xjmv8f', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9q8avsps8d833j194z9', 'open', NULL, 1750001655016);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9qjjse39a8mc4txxmv3', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1x9qjfyd2sf6xbkech0ep', 'open', NULL, 1750001655026);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9qxnczydb5penherxeh', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9qxjh0bz046hppescwt', 'open', NULL, 1750001655037);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9r6txfdcjh5a4gv8sbt', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -20000, 'run_01m8f1x9r60r02ypewct454ahg', 'open', NULL, 1750001655046);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9rg0ytdzdtaxbtdza4k', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -50000, 'run_01m8f1x9rg30253nz63w2a395g', 'open', NULL, 1750001655056);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1x9rwht9zd62t10089cvr', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -1000, 'run_01m8f1x9rwpjqaeq5rnhkf6h5g', 'open', NULL, 1750001655068);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1xdkpydhcp56pm792x7wh', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -4000, 'run_01m8f1xdkpbqmp78s1xcnsnmgc', 'open', NULL, 1750001658998);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1xdm2fx2ywfsns4v2x8xb', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -12300, 'run_01m8f1xdm20kfebbx76qmqjx9m', 'open', NULL, 1750001659010);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1xdmae2sb02se8ha14a35', 'ws_01m8f1x58zexydtet7thgdrphe', 'hold', -50000, 'run_01m8f1xdma9559d2yfstg41dh2', 'open', NULL, 1750001659018);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1xdmgyrmdwh4c90e4c24d', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'hold', -4000, 'run_01m8f1xdmgy7ev4qyaa86j123b', 'open', NULL, 1750001659024);
INSERT INTO public.ledger_entries VALUES ('led_01m8f1xdmpvdghz227rpzbycqq', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'release', 4000, 'run_01m8f1xdmgy7ev4qyaa86j123b', 'close', NULL, 1750001659030);
INSERT INTO public.projects VALUES ('prj_01m8f1x54md2gt42tdc4g8x3k2', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'My project', NULL, 1750001650318, 1750001658998);
INSERT INTO public.projects VALUES ('prj_01m8f1x5937q3xxfhebc5sgj9r', 'ws_01m8f1x58zexydtet7thgdrphe', 'Second project', 'api', 1750001650461, 1750001659010);
INSERT INTO public.run_outputs VALUES ('out_01m8f1x5hyww7krcffx6gbt9f8', 'run_01m8f1x5edyhx8y8s4az2vq4se', 0, 'imageUrl', NULL, 'out_01m8f1x5hy2g1ppehs359mx1yq.png', 'image/png', 19, '6482bdd827a30c9ebd5252b06ecb2a42b6eb8b1f84c10f63f1f4fe3792cfe62d', 8, 8, 1750001650750);
INSERT INTO public.run_outputs VALUES ('out_01m8f1x5kbx1fxg4zczk0se12h', 'run_01m8f1x5f6d63vss9f5d0sqkse', 0, 'text', 'Old pond; a frog leaps.', NULL, 'text/plain', 23, 'c0ab11cc3e855c0bc60b67b01a1673183dc2db7774373fe08f6446d33174fcbd', NULL, NULL, 1750001650795);
INSERT INTO public.run_outputs VALUES ('out_01m8f1x5kbhb5d5npz39xqmxmd', 'run_01m8f1x5f0fps9dvmf2dpj46w2', 0, 'imageUrl', NULL, 'out_01m8f1x5kbae1d7jj3w21m8596.png', 'image/png', 20, '27fd1ad0af14b418bca5f92a9ebcc261dd51aed8c96340cc67392c36837eba25', 8, 8, 1750001650795);
INSERT INTO public.run_outputs VALUES ('out_01m8f1x5ka9k9mc6jr9qf9y084', 'run_01m8f1x5fet920mk1k4fh72yj7', 0, 'imageUrl', NULL, 'out_01m8f1x5kag1at8d395ds5meqz.png', 'image/png', 27, '994a35bd884aaea6f0582cdecc46f8d47be6cbd6b39b27421e3a4c290736ca54', 8, 8, 1750001650794);
INSERT INTO public.runs VALUES ('run_01m8f1x5edyhx8y8s4az2vq4se', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-free', 'a red cube', '{"seed": 7, "style": "auto"}', '3767e7aa-3f7e-4371-85e4-eadbf33fc257', 'completed', 100, 4000, 4000, 1, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650637, 1750001650743, 1750001650753, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5fmb51gvprwkm4eykz1', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-paid', 'refused', '{"style": "auto"}', 'f60c9c3c-4845-43a1-b788-ac8e12bcae4d', 'failed', 100, 12300, 0, 1, 'GENERATION_PROMPT_MODERATED', 'The provider refused the prompt. Change the prompt and try again.', 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650676, 1750001650743, 1750001650795, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5f6d63vss9f5d0sqkse', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'text', 't2t-paid', 'a haiku', '{"style": "auto"}', 'bee72265-2e6e-4d6f-8015-ff74b10c5831', 'completed', 100, 1000, 1000, 1, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650662, 1750001650743, 1750001650795, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5fet920mk1k4fh72yj7', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x5989jvp8d2h7r5k7hbd', 'generation', 'image', 't2i-second', 'made on the second', '{"style": "auto"}', 'f338e770-5e57-4d91-ba2f-a9814c613302', 'completed', 100, 30000, 30000, 1, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650670, 1750001650743, 1750001650797, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5f0fps9dvmf2dpj46w2', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-paid', 'a blue ball', '{"style": "noir"}', '23531f9d-37ca-4e62-b7fe-1444ee949388', 'completed', 100, 12300, 12300, 1, NULL, NULL, 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650656, 1750001650743, 1750001650797, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5ft2n5zdjrb37zdqfw2', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'refused', '{"style": "auto"}', 'e4f848f2-f5cf-4dca-a364-a4490af81983', 'failed', 100, 12300, 0, 1, 'GENERATION_PROMPT_MODERATED', 'The provider refused the prompt. Change the prompt and try again.', 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650682, 1750001650743, 1750001650797, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x5qjraswy412dn8xxcrs', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'cancelled while running', '{"style": "auto"}', '492e9cd2-db2c-405a-ba9f-5218b912ffaf', 'failed', 100, 12300, 0, 1, 'GENERATION_CANCELLED', 'The run was cancelled; nothing was charged.', 'wrk_01m8f1x56xzw378mj8j14g5401', 1, 1750001650930, 1750001650936, 1750001651594, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x6ckskzee02c63k4m5zr', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'waits through two deaths', '{"style": "auto"}', 'e297899d-b146-4160-885f-a19cb3fb1a6c', 'running', 0, 12300, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 2, 1750001651603, 1750001651611, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9nrq51tw1sjrq8pamyj', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-local', 'second after a free one', '{"style": "auto"}', 'a312a47d-73aa-4cd1-b8b2-e791a627170f', 'running', 0, 4000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654968, 1750001654975, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x6cxb7gk1tbvvd8t1f3k', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-free', 'free through two deaths', '{"style": "auto"}', 'f56b5644-0aab-4769-81ff-246b99037c45', 'running', 0, 4000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 2, 1750001651613, 1750001654025, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9jg7hjw26wswe7ek4q8', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-paid', 'waits', '{"seed": 11, "style": "auto"}', '8d92616b-34d5-42ab-ba99-58cb5dd7cfe8', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654864, 1750001654877, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9khpx1f4px8h8sx9xet', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-free', 'free', '{"seed": 13, "style": "auto"}', '5ec2bec4-dd1c-4fc6-b9dd-cf39852fc5c2', 'running', 0, 4000, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654897, 1750001654903, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9m37ghmc8x0sdq7bhef', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'claimed only', '{"style": "auto"}', '36023187-bad9-4d9f-a8b3-1488a9fbf1b0', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654915, 1750001654921, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9mcavsv77qh0ak0r8gv', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'never submitted', '{"style": "auto"}', 'd16d78e2-6b4a-4212-b944-6887c5a31921', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654924, 1750001654927, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9mjacnfe82wpv6m46aw', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-first', 'second after a refusal', '{"style": "auto"}', '11bc527f-079c-4bfe-a477-08f4c42dfdef', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654930, 1750001654937, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9mxathfzspjgjrtnbkh', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x5989jvp8d2h7r5k7hbd', 'generation', 'image', 't2i-first', 'second after being busy', '{"style": "auto"}', '4d3f1801-db97-4f67-be23-f07d5272449b', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654941, 1750001654945, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9n3051cfrk0g9jzer3a', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-first', 'second after a failure', '{"style": "auto"}', 'b384e0b6-eb5e-4a63-b0cb-9e00868c6ee1', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654947, 1750001654954, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9nejc3n6ek6prcepdhe', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-lonely', 'second after a failure, second one gone', '{"style": "auto"}', '225e7a3d-1bdf-4c46-b336-79028807066f', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654958, 1750001654965, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9p898vg22xrk5qhqhat', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x5989jvp8d2h7r5k7hbd', 'generation', 'image', 't2i-local', 'free one with a paid second', '{"style": "auto"}', 'a4c42d3c-1a70-45b6-b0b7-d154760ed73d', 'running', 0, 4000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654984, 1750001654998, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9ptm7d3mza4989tdrc7', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'busy, then a ticket', '{"style": "auto"}', '2f993e32-d02b-4f76-a328-62d64719acc1', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655002, 1750001655007, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9k0mmkddsgcnv3m42qk', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'shows a preview', '{"style": "auto"}', 'e6f4376d-9f48-49d9-abe9-fd82332c6864', 'running', 50, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001654880, 1750001654894, NULL, 'data:image/png;base64,aGFsZiBhIHBpY3R1cmU=');
INSERT INTO public.runs VALUES ('run_01m8f1xdkpbqmp78s1xcnsnmgc', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-free', 'pending', '{"style": "auto"}', 'e51bf64d-2d87-48eb-85e1-ce9f234c2218', 'pending', 0, 4000, NULL, 0, NULL, NULL, NULL, 0, 1750001658998, NULL, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1xdma9559d2yfstg41dh2', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-gone', 'pending, model gone', '{"style": "auto"}', 'dddabece-45fe-4284-85c6-cdb4235348df', 'pending', 0, 50000, NULL, 1, NULL, NULL, NULL, 0, 1750001659018, NULL, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9q10rd5y3q1yctcwx61', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-first', 'busy twice on each', '{"style": "auto"}', 'afb051af-9f63-4602-bf45-22f08bf58994', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655009, 1750001655014, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9q8avsps8d833j194z9', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'busy, then nothing', '{"style": "auto"}', '9a93e258-d814-40b6-8db5-e18c977462a1', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655016, 1750001655025, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9qjfyd2sf6xbkech0ep', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'refused, not failed yet', '{"style": "auto"}', '6b06ac12-b6fd-4b9a-887e-859dd9628ced', 'running', 0, 12300, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655026, 1750001655034, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9qxjh0bz046hppescwt', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-first', 'refused twice, not failed yet', '{"style": "auto"}', '15e50163-706e-407e-961f-69e83648638d', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655037, 1750001655042, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9r60r02ypewct454ahg', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-first', 'refused, second never submitted', '{"style": "auto"}', '0cbb0e36-c9ec-4191-8f8d-62f7da7245f2', 'running', 0, 20000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655046, 1750001655053, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9rg30253nz63w2a395g', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-gone', 'of a model that is gone', '{"style": "auto"}', 'a9b27de3-dca9-43a8-8bf4-8bbbf770a25c', 'running', 0, 50000, NULL, 1, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655056, 1750001655065, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1x9rwpjqaeq5rnhkf6h5g', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x5989jvp8d2h7r5k7hbd', 'generation', 'text', 't2t-paid', 'a text under way', '{"style": "auto"}', '6762cdb6-3255-40d7-b143-d58c4c2087fe', 'running', 0, 1000, NULL, 0, NULL, NULL, 'wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1, 1750001655068, 1750001655081, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1xdm20kfebbx76qmqjx9m', 'ws_01m8f1x58zexydtet7thgdrphe', 'prj_01m8f1x5937q3xxfhebc5sgj9r', 'key_01m8f1x596gc4te02nfzejwptq', 'generation', 'image', 't2i-paid', 'pending', '{"seed": 17, "style": "auto"}', 'c7732b0e-7ec0-418d-a0a8-08eb6f372c38', 'pending', 0, 12300, NULL, 0, NULL, NULL, NULL, 0, 1750001659010, NULL, NULL, NULL);
INSERT INTO public.runs VALUES ('run_01m8f1xdmgy7ev4qyaa86j123b', 'ws_01m8f1x54g4n5tgwq4qv841fqd', 'prj_01m8f1x54md2gt42tdc4g8x3k2', 'key_01m8f1x54qwppqbbvq1hfzw7rm', 'generation', 'image', 't2i-free', 'cancelled while pending', '{"style": "auto"}', '64b1cd1e-2061-4cf0-816a-12ccdc4b84df', 'failed', 100, 4000, 0, 0, 'GENERATION_CANCELLED', 'The run was cancelled; nothing was charged.', NULL, 0, 1750001659024, NULL, 1750001659030, NULL);
INSERT INTO public.workers VALUES ('wrk_01m8f1x7vyey5pe6pkf4fk3fyh', 1750001653164, 1750001658878);
INSERT INTO public.workspaces VALUES ('ws_01m8f1x54g4n5tgwq4qv841fqd', 'My workspace', NULL, 'whsec_recorded', 1750001650318);
INSERT INTO public.workspaces VALUES ('ws_01m8f1x58zexydtet7thgdrphe', 'Second workspace', NULL, 'whsec_recorded', 1750001650461);
ALTER TABLE ONLY dbos.application_versions
    ADD CONSTRAINT application_versions_pkey PRIMARY KEY (version_id);
ALTER TABLE ONLY dbos.application_versions
    ADD CONSTRAINT application_versions_version_name_key UNIQUE (version_name);
ALTER TABLE ONLY dbos.dbos_migrations
    ADD CONSTRAINT dbos_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY dbos.event_dispatch_kv
    ADD CONSTRAINT event_dispatch_kv_pkey PRIMARY KEY (service_name, workflow_fn_name, key);
ALTER TABLE ONLY dbos.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (message_uuid);
ALTER TABLE ONLY dbos.operation_outputs
    ADD CONSTRAINT operation_outputs_pkey PRIMARY KEY (workflow_uuid, function_id);
ALTER TABLE ONLY dbos.queues
    ADD CONSTRAINT queues_name_key UNIQUE (name);
ALTER TABLE ONLY dbos.queues
    ADD CONSTRAINT queues_pkey PRIMARY KEY (queue_id);
ALTER TABLE ONLY dbos.streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (workflow_uuid, key, "offset");
ALTER TABLE ONLY dbos.workflow_events_history
    ADD CONSTRAINT workflow_events_history_pkey PRIMARY KEY (workflow_uuid, function_id, key);
ALTER TABLE ONLY dbos.workflow_events
    ADD CONSTRAINT workflow_events_pkey PRIMARY KEY (workflow_uuid, key);
ALTER TABLE ONLY dbos.workflow_input
    ADD CONSTRAINT workflow_input_pkey PRIMARY KEY (workflow_uuid);
ALTER TABLE ONLY dbos.workflow_output
    ADD CONSTRAINT workflow_output_pkey PRIMARY KEY (workflow_uuid);
ALTER TABLE ONLY dbos.workflow_schedules
    ADD CONSTRAINT workflow_schedules_pkey PRIMARY KEY (schedule_id);
ALTER TABLE ONLY dbos.workflow_schedules
    ADD CONSTRAINT workflow_schedules_schedule_name_key UNIQUE (schedule_name);
ALTER TABLE ONLY dbos.workflow_status
    ADD CONSTRAINT workflow_status_pkey PRIMARY KEY (workflow_uuid);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);
ALTER TABLE ONLY public.canvas_boards
    ADD CONSTRAINT canvas_boards_pkey PRIMARY KEY (project_id);
ALTER TABLE ONLY public.canvas_nodes
    ADD CONSTRAINT canvas_nodes_pkey PRIMARY KEY (node_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (workspace_id, operation, key);
ALTER TABLE ONLY public.ledger_balances
    ADD CONSTRAINT ledger_balances_pkey PRIMARY KEY (workspace_id);
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (member_id);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (project_id);
ALTER TABLE ONLY public.run_outputs
    ADD CONSTRAINT run_outputs_blob_key UNIQUE (blob);
ALTER TABLE ONLY public.run_outputs
    ADD CONSTRAINT run_outputs_pkey PRIMARY KEY (output_id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY public.canvas_nodes
    ADD CONSTRAINT uq_canvas_nodes_place UNIQUE (project_id, place, beside);
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT uq_ledger_entries_run_phase UNIQUE (run_id, phase);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT uq_members_workspace_email UNIQUE (workspace_id, email);
ALTER TABLE ONLY public.run_outputs
    ADD CONSTRAINT uq_run_outputs_position UNIQUE (run_id, "position");
ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (worker_id);
ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (workspace_id);
CREATE INDEX idx_application_versions_owner_timestamp ON dbos.application_versions USING btree (application_name, version_timestamp DESC);
CREATE INDEX idx_application_versions_timestamp ON dbos.application_versions USING btree (version_timestamp DESC);
CREATE INDEX idx_operation_outputs_completed_at_function_name_v2 ON dbos.operation_outputs USING btree (completed_at_epoch_ms, function_name) INCLUDE (application_name);
CREATE INDEX idx_operation_outputs_retention ON dbos.operation_outputs USING btree (retention_timestamp);
CREATE INDEX idx_workflow_input_retention ON dbos.workflow_input USING btree (retention_timestamp);
CREATE INDEX idx_workflow_output_retention ON dbos.workflow_output USING btree (retention_timestamp);
CREATE INDEX idx_workflow_status_attributes ON dbos.workflow_status USING gin (attributes) WHERE (attributes IS NOT NULL);
CREATE INDEX idx_workflow_status_completed_at ON dbos.workflow_status USING btree (completed_at) WHERE (completed_at IS NOT NULL);
CREATE INDEX idx_workflow_status_deadline ON dbos.workflow_status USING btree (workflow_deadline_epoch_ms) WHERE ((status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text, 'DELAYED'::text])) AND (workflow_deadline_epoch_ms IS NOT NULL));
CREATE INDEX idx_workflow_status_delayed ON dbos.workflow_status USING btree (delay_until_epoch_ms) WHERE (status = 'DELAYED'::text);
CREATE INDEX idx_workflow_status_failed ON dbos.workflow_status USING btree (status, created_at) WHERE (status = ANY (ARRAY['ERROR'::text, 'CANCELLED'::text, 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'::text]));
CREATE INDEX idx_workflow_status_forked_from ON dbos.workflow_status USING btree (forked_from) WHERE (forked_from IS NOT NULL);
CREATE INDEX idx_workflow_status_in_flight_v2 ON dbos.workflow_status USING btree (queue_name, status, priority, created_at) INCLUDE (application_name) WHERE (status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text]));
CREATE INDEX idx_workflow_status_parent_workflow_id ON dbos.workflow_status USING btree (parent_workflow_id) WHERE (parent_workflow_id IS NOT NULL);
CREATE INDEX idx_workflow_status_partition_dequeue_v3 ON dbos.workflow_status USING btree (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid) INCLUDE (application_name) WHERE ((status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text])) AND (queue_partition_key IS NOT NULL));
CREATE INDEX idx_workflow_status_pending ON dbos.workflow_status USING btree (created_at) WHERE (status = 'PENDING'::text);
CREATE INDEX idx_workflow_status_rate_limited ON dbos.workflow_status USING btree (queue_name, started_at_epoch_ms) WHERE (rate_limited = true);
CREATE INDEX idx_workflow_status_schedule_name ON dbos.workflow_status USING btree (schedule_name) WHERE (schedule_name IS NOT NULL);
CREATE INDEX idx_workflow_status_started_at ON dbos.workflow_status USING btree (started_at_epoch_ms) WHERE (started_at_epoch_ms IS NOT NULL);
CREATE INDEX idx_workflow_topic ON dbos.notifications USING btree (destination_uuid, topic);
CREATE UNIQUE INDEX uq_application_versions_owner_version ON dbos.application_versions USING btree (application_name, version_name) WHERE (application_name IS NOT NULL);
CREATE UNIQUE INDEX uq_application_versions_unclaimed_version ON dbos.application_versions USING btree (version_name) WHERE (application_name IS NULL);
CREATE UNIQUE INDEX uq_workflow_status_dedup_id ON dbos.workflow_status USING btree (queue_name, deduplication_id) WHERE (deduplication_id IS NOT NULL);
CREATE INDEX workflow_status_created_at_index ON dbos.workflow_status USING btree (created_at);
CREATE INDEX ix_api_keys_workspace ON public.api_keys USING btree (workspace_id);
CREATE INDEX ix_idempotency_keys_expiry ON public.idempotency_keys USING btree (expires_at);
CREATE INDEX ix_ledger_entries_workspace ON public.ledger_entries USING btree (workspace_id, entry_id);
CREATE INDEX ix_projects_recent ON public.projects USING btree (workspace_id, last_modified, project_id);
CREATE INDEX ix_runs_model ON public.runs USING btree (model_id, completed_at);
CREATE INDEX ix_runs_project ON public.runs USING btree (project_id, run_id);
CREATE INDEX ix_runs_unfinished ON public.runs USING btree (state, run_id) WHERE ((state = 'pending'::text) OR (state = 'running'::text));
CREATE INDEX ix_runs_workspace ON public.runs USING btree (workspace_id, run_id);
ALTER TABLE ONLY dbos.notifications
    ADD CONSTRAINT notifications_destination_uuid_fkey FOREIGN KEY (destination_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY dbos.streams
    ADD CONSTRAINT streams_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY dbos.workflow_events_history
    ADD CONSTRAINT workflow_events_history_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY dbos.workflow_events
    ADD CONSTRAINT workflow_events_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(workspace_id);
ALTER TABLE ONLY public.members
    ADD CONSTRAINT members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(workspace_id);
ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(workspace_id);
