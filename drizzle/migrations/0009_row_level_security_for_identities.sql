ALTER TABLE "identities" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "pending_sign_ins" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- A link can be taken away, and then its user's credentials have to be looked at again.
CREATE OR REPLACE FUNCTION note_access_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
  INSERT INTO access_changes (tenant_id, kind, subject_id)
  VALUES (coalesce(changed ->> 'tenant_id', changed ->> 'id')::uuid, TG_ARGV[0], (changed ->> TG_ARGV[1])::uuid);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "identities_access" AFTER DELETE ON "identities" FOR EACH ROW EXECUTE FUNCTION note_access_change('user', 'user_id');
