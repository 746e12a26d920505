ALTER TABLE "address_rules" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- drizzle-kit enables row-level security but cannot force it on the owner of the tables.
ALTER TABLE "files" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "file_removals" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "uploads" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "audit_entries" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "audit_heads" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- An entry changes once, when it is sealed, and in nothing but its place and its hash. It goes only below a checkpoint.
CREATE FUNCTION "audit_entries_guard"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE unsealed "audit_entries";
BEGIN
	IF TG_OP = 'UPDATE' THEN
		unsealed := NEW;
		unsealed.sequence := NULL;
		unsealed.hash := NULL;
		IF NEW.sequence IS NOT NULL AND NEW.hash IS NOT NULL AND OLD IS NOT DISTINCT FROM unsealed THEN RETURN NEW; END IF;
	ELSIF TG_OP = 'DELETE' THEN
		IF EXISTS (
			SELECT 1 FROM "audit_heads" h WHERE h.tenant_id = OLD.tenant_id AND OLD.sequence <= h.start_sequence
		) THEN RETURN OLD; END IF;
	END IF;
	RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;--> statement-breakpoint
CREATE TRIGGER "audit_entries_guard" BEFORE UPDATE OR DELETE ON "audit_entries" FOR EACH ROW EXECUTE FUNCTION "audit_entries_guard"();--> statement-breakpoint
CREATE TRIGGER "audit_entries_no_truncate" BEFORE TRUNCATE ON "audit_entries" FOR EACH STATEMENT EXECUTE FUNCTION "audit_entries_guard"();--> statement-breakpoint
-- The end of a chain and the beginning of what is kept only move forward.
CREATE FUNCTION "audit_heads_guard"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND NEW.tenant_id = OLD.tenant_id AND NEW.sequence >= OLD.sequence
		AND NEW.start_sequence >= OLD.start_sequence AND NEW.start_sequence <= NEW.sequence THEN RETURN NEW; END IF;
	RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;--> statement-breakpoint
CREATE TRIGGER "audit_heads_guard" BEFORE UPDATE OR DELETE ON "audit_heads" FOR EACH ROW EXECUTE FUNCTION "audit_heads_guard"();--> statement-breakpoint
CREATE TRIGGER "audit_heads_no_truncate" BEFORE TRUNCATE ON "audit_heads" FOR EACH STATEMENT EXECUTE FUNCTION "audit_heads_guard"();
