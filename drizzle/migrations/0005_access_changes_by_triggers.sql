ALTER TABLE "access_changes" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "api_keys" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
-- Written by the database, so that nothing which ends or narrows a credential can forget to say so.
-- Arguments: the kind of the subject, and the column that holds its id.
CREATE FUNCTION note_access_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := to_jsonb(NEW);
BEGIN
  INSERT INTO access_changes (tenant_id, kind, subject_id)
  VALUES (coalesce(changed ->> 'tenant_id', changed ->> 'id')::uuid, TG_ARGV[0], (changed ->> TG_ARGV[1])::uuid);
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "tenants_access" AFTER UPDATE ON "tenants" FOR EACH ROW
  WHEN (OLD.suspended_at IS DISTINCT FROM NEW.suspended_at) EXECUTE FUNCTION note_access_change('tenant', 'id');--> statement-breakpoint
CREATE TRIGGER "users_access" AFTER UPDATE ON "users" FOR EACH ROW
  WHEN ((OLD.role, OLD.active, OLD.location_ids) IS DISTINCT FROM (NEW.role, NEW.active, NEW.location_ids))
  EXECUTE FUNCTION note_access_change('user', 'id');--> statement-breakpoint
CREATE TRIGGER "sessions_access" AFTER UPDATE ON "sessions" FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION note_access_change('session', 'id');--> statement-breakpoint
CREATE TRIGGER "api_keys_access" AFTER UPDATE ON "api_keys" FOR EACH ROW
  WHEN ((OLD.secret_hash, OLD.previous_until, OLD.scopes, OLD.calls_per_second, OLD.expires_at, OLD.revoked_at)
    IS DISTINCT FROM (NEW.secret_hash, NEW.previous_until, NEW.scopes, NEW.calls_per_second, NEW.expires_at, NEW.revoked_at))
  EXECUTE FUNCTION note_access_change('key', 'id');
