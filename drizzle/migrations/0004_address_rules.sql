CREATE TABLE "address_rules" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"allow" text[] NOT NULL,
	"block" text[] NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"version" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "address_rules" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "address_rules" ADD CONSTRAINT "address_rules_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE POLICY "address_rules_of_tenant" ON "address_rules" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "address_rules_system_enforcement" ON "address_rules" AS PERMISSIVE FOR SELECT TO "olympus_system" USING (true);