CREATE TABLE "consumed_events" (
	"tenant_id" uuid NOT NULL,
	"consumer" text NOT NULL,
	"delivery" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "consumed_events_tenant_id_consumer_delivery_pk" PRIMARY KEY("tenant_id","consumer","delivery")
);
--> statement-breakpoint
ALTER TABLE "consumed_events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "consumer_deliveries" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"ordinal" bigserial NOT NULL,
	"consumer" text NOT NULL,
	"lane" text NOT NULL,
	"subject_key" text NOT NULL,
	"state" text NOT NULL,
	"due_at" timestamp with time zone,
	"attempts" integer NOT NULL,
	"error" text,
	"failed_at" timestamp with time zone,
	"event_id" text NOT NULL,
	"type" text NOT NULL,
	"event_version" integer NOT NULL,
	"subject_id" uuid,
	"payload" jsonb NOT NULL,
	"edited_by" uuid,
	"request_id" text,
	"occurred_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "consumer_deliveries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "consumer_deliveries_event" UNIQUE("tenant_id","consumer","lane","event_id")
);
--> statement-breakpoint
ALTER TABLE "consumer_deliveries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "consumer_leases" (
	"consumer" text NOT NULL,
	"shard" integer NOT NULL,
	"holder" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "consumer_leases_consumer_shard_pk" PRIMARY KEY("consumer","shard")
);
--> statement-breakpoint
ALTER TABLE "consumer_leases" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "consumer_offsets" (
	"tenant_id" uuid NOT NULL,
	"consumer" text NOT NULL,
	"lane" text NOT NULL,
	"epoch" text NOT NULL,
	"position" bigint NOT NULL,
	"until_position" bigint,
	"types" text[],
	"from_at" timestamp with time zone,
	"to_at" timestamp with time zone,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "consumer_offsets_tenant_id_consumer_lane_pk" PRIMARY KEY("tenant_id","consumer","lane")
);
--> statement-breakpoint
ALTER TABLE "consumer_offsets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"endpoint_id" uuid NOT NULL,
	"message_id" text NOT NULL,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"state" text NOT NULL,
	"due_at" timestamp with time zone,
	"attempt_count" integer NOT NULL,
	"attempts" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "webhook_deliveries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "webhook_deliveries_message" UNIQUE("tenant_id","endpoint_id","message_id")
);
--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "webhook_endpoints" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"url" text NOT NULL,
	"types" text[] NOT NULL,
	"active" boolean NOT NULL,
	"disabled_reason" text,
	"failing_since" timestamp with time zone,
	"secret" text NOT NULL,
	"previous_secret" text,
	"previous_until" timestamp with time zone,
	"created_by" uuid NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "webhook_endpoints_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "webhook_endpoints" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint" FOREIGN KEY ("tenant_id","endpoint_id") REFERENCES "public"."webhook_endpoints"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "consumed_events_expiry" ON "consumed_events" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "consumer_deliveries_subject" ON "consumer_deliveries" USING btree ("tenant_id","consumer","lane","subject_key","ordinal");--> statement-breakpoint
CREATE INDEX "consumer_deliveries_due" ON "consumer_deliveries" USING btree ("consumer","due_at") WHERE state = 'retrying';--> statement-breakpoint
CREATE INDEX "consumer_deliveries_listed" ON "consumer_deliveries" USING btree ("tenant_id","state","created_at","id");--> statement-breakpoint
CREATE INDEX "consumer_offsets_open" ON "consumer_offsets" USING btree ("consumer") WHERE position < until_position;--> statement-breakpoint
CREATE INDEX "webhook_deliveries_listed" ON "webhook_deliveries" USING btree ("tenant_id","endpoint_id","created_at","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("due_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_expiry" ON "webhook_deliveries" USING btree ("expires_at");--> statement-breakpoint
CREATE POLICY "consumed_events_of_tenant" ON "consumed_events" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "consumed_events_system_expiry" ON "consumed_events" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "consumer_deliveries_of_tenant" ON "consumer_deliveries" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "consumer_deliveries_system_consumers" ON "consumer_deliveries" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "consumer_leases_system_consumers" ON "consumer_leases" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "consumer_offsets_of_tenant" ON "consumer_offsets" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "consumer_offsets_system_consumers" ON "consumer_offsets" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "webhook_deliveries_of_tenant" ON "webhook_deliveries" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "webhook_deliveries_system_sending" ON "webhook_deliveries" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "webhook_endpoints_of_tenant" ON "webhook_endpoints" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "webhook_endpoints_system_sending" ON "webhook_endpoints" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);
--> statement-breakpoint
-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "consumed_events" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "consumer_deliveries" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "consumer_leases" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "consumer_offsets" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "webhook_endpoints" FORCE ROW LEVEL SECURITY;
