CREATE TABLE "order_workflow_steps" (
	"tenant_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"step" text NOT NULL,
	"outcome" text NOT NULL,
	"attempt" integer,
	"reason" text,
	"reference" text,
	"user_id" uuid,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "order_workflow_steps_tenant_id_order_id_sequence_pk" PRIMARY KEY("tenant_id","order_id","sequence")
);
--> statement-breakpoint
ALTER TABLE "order_workflow_steps" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "order_workflows" (
	"tenant_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"state" text NOT NULL,
	"amount" numeric(20, 4) NOT NULL,
	"currency" text NOT NULL,
	"method" text,
	"reference" text,
	"action" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"unanswered" boolean DEFAULT false NOT NULL,
	"busy_until" timestamp with time zone,
	"late_until" timestamp with time zone,
	"due_at" timestamp with time zone,
	"deadline_at" timestamp with time zone NOT NULL,
	"reason" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "order_workflows_tenant_id_order_id_pk" PRIMARY KEY("tenant_id","order_id")
);
--> statement-breakpoint
ALTER TABLE "order_workflows" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "simulated_payments" (
	"ordinal" bigint GENERATED ALWAYS AS IDENTITY (sequence name "simulated_payments_ordinal_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"method" text NOT NULL,
	"amount" numeric(20, 4) NOT NULL,
	"currency" text NOT NULL,
	"refused" text,
	"requests" integer DEFAULT 1 NOT NULL,
	"effective_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "simulated_payments" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "payment_status" text DEFAULT 'none' NOT NULL;--> statement-breakpoint
ALTER TABLE "order_workflow_steps" ADD CONSTRAINT "order_workflow_steps_workflow" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."order_workflows"("tenant_id","order_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_workflows" ADD CONSTRAINT "order_workflows_order" FOREIGN KEY ("tenant_id","order_id") REFERENCES "public"."orders"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "order_workflows_due" ON "order_workflows" USING btree ("due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "simulated_payments_reference" ON "simulated_payments" USING btree ("reference");--> statement-breakpoint
CREATE POLICY "order_workflow_steps_of_tenant" ON "order_workflow_steps" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "order_workflows_of_tenant" ON "order_workflows" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "order_workflows_system_sweep" ON "order_workflows" AS PERMISSIVE FOR SELECT TO "olympus_system" USING (true);--> statement-breakpoint
CREATE POLICY "simulated_payments_system_simulator" ON "simulated_payments" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "order_workflow_steps" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "order_workflows" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "simulated_payments" FORCE ROW LEVEL SECURITY;
