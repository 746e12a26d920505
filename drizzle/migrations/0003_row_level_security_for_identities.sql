-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "identities" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "pending_sign_ins" FORCE ROW LEVEL SECURITY;
