CREATE TABLE "audit_entries" (
	"tenant_id" uuid NOT NULL,
	"id" uuid NOT NULL,
	"sequence" bigint,
	"hash" "bytea",
	"created_at" timestamp with time zone NOT NULL,
	"outcome" text NOT NULL,
	"code" text,
	"procedure" text NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" text,
	"user_id" uuid,
	"api_key_id" uuid,
	"actor_user_id" uuid,
	"actor_reason" text,
	"count" integer NOT NULL,
	"input" jsonb,
	"before" jsonb,
	"after" jsonb,
	"protocol" text,
	"address" text,
	"user_agent" text,
	"request_id" text,
	"trace_id" text,
	CONSTRAINT "audit_entries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "audit_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "audit_heads" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"sequence" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed_at" timestamp with time zone NOT NULL,
	"start_sequence" bigint NOT NULL,
	"start_hash" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit_heads" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE UNIQUE INDEX "audit_entries_sequence" ON "audit_entries" USING btree ("tenant_id","sequence") WHERE sequence is not null;--> statement-breakpoint
CREATE INDEX "audit_entries_user" ON "audit_entries" USING btree ("tenant_id","user_id","sequence") WHERE sequence is not null;--> statement-breakpoint
CREATE INDEX "audit_entries_resource" ON "audit_entries" USING btree ("tenant_id","resource_id","sequence") WHERE sequence is not null;--> statement-breakpoint
CREATE INDEX "audit_entries_unsealed" ON "audit_entries" USING btree ("id") WHERE sequence is null;--> statement-breakpoint
CREATE POLICY "audit_entries_of_tenant" ON "audit_entries" AS PERMISSIVE FOR SELECT TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "audit_entries_append" ON "audit_entries" AS PERMISSIVE FOR INSERT TO "olympus_app" WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and sequence is null and hash is null);--> statement-breakpoint
CREATE POLICY "audit_entries_system_sealing" ON "audit_entries" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "audit_heads_of_tenant" ON "audit_heads" AS PERMISSIVE FOR SELECT TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "audit_heads_system_sealing" ON "audit_heads" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);