CREATE TABLE "event_segments" (
	"number" bigint PRIMARY KEY NOT NULL,
	"opened_at" timestamp with time zone,
	"closed_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "event_segments" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "event_segments_system_retention" ON "event_segments" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
ALTER TABLE "event_heads" ADD COLUMN "oldest" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
DROP INDEX "events_age";--> statement-breakpoint
-- What drizzle cannot say: `events` becomes partitioned by ranges of its sequence, and the table so far its first partition,
-- with every row where it is. Nobody reads a partition by itself: row-level security is forced on it and has no policy.
DO $$
DECLARE
	segment bigint := (SELECT last_value >> 28 FROM "events_sequence_seq");
	name text := 'events_' || segment;
BEGIN
	-- The owner is held to the policies while they are forced, and would see nothing.
	ALTER TABLE "events" NO FORCE ROW LEVEL SECURITY;
	ALTER TABLE "event_heads" NO FORCE ROW LEVEL SECURITY;
	UPDATE "event_heads" h SET "oldest" = coalesce(
		(SELECT min(e."position") FROM "events" e WHERE e."tenant_id" = h."tenant_id"), h."position" + 1);
	ALTER TABLE "event_heads" FORCE ROW LEVEL SECURITY;
	ALTER TABLE "events" FORCE ROW LEVEL SECURITY;

	DROP POLICY "events_of_tenant" ON "events";
	DROP POLICY "events_system_relay" ON "events";
	EXECUTE format('ALTER TABLE "events" RENAME TO %I', name);
	EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT "events_pkey" TO %I', name, name || '_pkey');
	EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT "events_position" TO %I', name, name || '_position');
	EXECUTE format('ALTER INDEX "events_unplaced" RENAME TO %I', name || '_unplaced');
	EXECUTE format('CREATE TABLE "events" (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE ("sequence")', name);
	ALTER TABLE "events" ADD CONSTRAINT "events_pkey" PRIMARY KEY ("sequence");
	ALTER SEQUENCE "events_sequence_seq" OWNED BY "events"."sequence";
	CREATE INDEX "events_unplaced" ON "events" USING btree ("sequence") WHERE position is null;
	EXECUTE format('ALTER TABLE "events" ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', name, (segment + 1) << 28);
	INSERT INTO "event_segments" ("number", "opened_at") VALUES (segment, now());
END $$;--> statement-breakpoint
ALTER TABLE "events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "events" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "events_of_tenant" ON "events" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "events_system_relay" ON "events" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
-- Only the owner may make and drop tables. These functions are what retention may have of that, run as their owner.
-- A new partition is empty and attached without a lock that would hold up readers or writers.
CREATE FUNCTION "event_segment_add"(segment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE name text := 'events_' || segment;
BEGIN
	PERFORM pg_advisory_xact_lock(7265109875);
	IF to_regclass('public.' || name) IS NOT NULL THEN RETURN; END IF;
	EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING DEFAULTS)', name);
	EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
	EXECUTE format('CREATE UNIQUE INDEX %I ON public.%I ("tenant_id", "position")', name || '_position', name);
	EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)', name, segment << 28, (segment + 1) << 28);
END $$;--> statement-breakpoint
-- Events that begin from now on go to the next partition; no lock is taken.
CREATE FUNCTION "event_segment_next"() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE segment bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(7265109875);
	SELECT (last_value >> 28) + 1 INTO segment FROM public.events_sequence_seq;
	IF to_regclass('public.events_' || segment) IS NULL THEN RAISE EXCEPTION 'there is no segment % of the log yet', segment; END IF;
	PERFORM setval('public.events_sequence_seq', segment << 28, false);
	RETURN segment;
END $$;--> statement-breakpoint
-- Nobody writes to what is dropped, and everything else stays.
CREATE FUNCTION "event_segment_drop"(segment bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
	IF segment >= (SELECT last_value >> 28 FROM public.events_sequence_seq) THEN RAISE EXCEPTION 'segment % of the log is written to', segment; END IF;
	EXECUTE format('DROP TABLE IF EXISTS public.%I', 'events_' || segment);
END $$;--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION "event_segment_add"(bigint), "event_segment_next"(), "event_segment_drop"(bigint) FROM PUBLIC;--> statement-breakpoint
GRANT EXECUTE ON FUNCTION "event_segment_add"(bigint), "event_segment_next"(), "event_segment_drop"(bigint) TO "olympus_system";--> statement-breakpoint
INSERT INTO "event_segments" ("number") SELECT "number" + 1 FROM "event_segments";--> statement-breakpoint
SELECT "event_segment_add"("number") FROM "event_segments" WHERE "opened_at" IS NULL;--> statement-breakpoint
-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "event_segments" FORCE ROW LEVEL SECURITY;
