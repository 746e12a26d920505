CREATE TABLE "identities" (
	"tenant_id" uuid NOT NULL,
	"issuer" text collate "C" NOT NULL,
	"subject" text collate "C" NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "identities_tenant_id_issuer_subject_pk" PRIMARY KEY("tenant_id","issuer","subject"),
	CONSTRAINT "identities_subject" UNIQUE("issuer","subject")
);
--> statement-breakpoint
ALTER TABLE "identities" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "pending_sign_ins" (
	"state_hash" text PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"redirect_uri" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "pending_sign_ins" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "signs_from" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "token_seconds" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "revoked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_user" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."users"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "identities_of_user" ON "identities" USING btree ("tenant_id","user_id");--> statement-breakpoint
CREATE INDEX "pending_sign_ins_expiry" ON "pending_sign_ins" USING btree ("expires_at");--> statement-breakpoint
CREATE POLICY "identities_of_tenant" ON "identities" AS PERMISSIVE FOR ALL TO "olympus_app" USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "identities_system_sign_in" ON "identities" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "pending_sign_ins_system_sign_in" ON "pending_sign_ins" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);