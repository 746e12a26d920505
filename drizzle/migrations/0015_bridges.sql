CREATE TABLE "consumer_members" (
	"consumer" text NOT NULL,
	"holder" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "consumer_members_consumer_holder_pk" PRIMARY KEY("consumer","holder")
);
--> statement-breakpoint
ALTER TABLE "consumer_members" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "consumer_members_system_consumers" ON "consumer_members" AS PERMISSIVE FOR ALL TO "olympus_system" USING (true) WITH CHECK (true);--> statement-breakpoint
-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "consumer_members" FORCE ROW LEVEL SECURITY;
