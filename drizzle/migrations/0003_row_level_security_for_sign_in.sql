-- Refresh tokens from before there were sessions belong to none: whoever holds one signs in again.
ALTER TABLE "sessions" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "mail_tokens" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "totp_factors" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "recovery_codes" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "sign_in_failures" FORCE ROW LEVEL SECURITY;
