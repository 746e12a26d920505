import { array, sql, type SystemDb } from '@olympus/database';

/** A user with their tenant. */
export interface FactorOwner {
  readonly tenantId: string;
  readonly id: string;
}
interface Factor {
  readonly sealedSecret: string;
  readonly confirmedAt: Date | null;
}

const ofOwner = ({ tenantId, id }: FactorOwner) => sql`tenant_id = ${tenantId}::uuid and user_id = ${id}::uuid`;

/** False when there is one that is confirmed; one that is not is replaced. */
export async function insertFactor(
  db: SystemDb,
  { tenantId, id }: FactorOwner,
  { sealedSecret, now }: { sealedSecret: string; now: Date },
): Promise<boolean> {
  const rows = await db.rows(sql`
    insert into totp_factors as f (tenant_id, user_id, sealed_secret, created_at)
    values (${tenantId}::uuid, ${id}::uuid, ${sealedSecret}, ${now})
    on conflict (tenant_id, user_id) do update
      set sealed_secret = excluded.sealed_secret, created_at = excluded.created_at, last_step = 0
      where f.confirmed_at is null
    returning 1`);
  return rows.length > 0;
}

export async function findFactor(db: SystemDb, owner: FactorOwner): Promise<Factor | null> {
  const [row] = await db.rows<Factor>(sql`
    select sealed_secret as "sealedSecret", confirmed_at as "confirmedAt" from totp_factors where ${ofOwner(owner)}`);
  return row ?? null;
}

/** False when it was confirmed, or another secret put in its place, meanwhile. */
export async function confirmFactor(
  db: SystemDb,
  owner: FactorOwner,
  { sealedSecret, step, now }: { sealedSecret: string; step: number; now: Date },
): Promise<boolean> {
  const rows = await db.rows(sql`
    update totp_factors set confirmed_at = ${now}, last_step = ${step}
    where ${ofOwner(owner)} and confirmed_at is null and sealed_secret = ${sealedSecret} returning 1`);
  return rows.length > 0;
}

/** False when this step or a later one was taken before (RFC 6238 §5.2). */
export async function takeStep(db: SystemDb, owner: FactorOwner, step: number): Promise<boolean> {
  const rows = await db.rows(sql`
    update totp_factors set last_step = ${step}
    where ${ofOwner(owner)} and confirmed_at is not null and last_step < ${step} returning 1`);
  return rows.length > 0;
}

export async function replaceRecoveryCodes(db: SystemDb, owner: FactorOwner, hashes: readonly string[]): Promise<void> {
  await db.rows(sql`delete from recovery_codes where ${ofOwner(owner)}`);
  await db.rows(sql`
    insert into recovery_codes (tenant_id, user_id, code_hash)
    select ${owner.tenantId}::uuid, ${owner.id}::uuid, hash from unnest(${array(hashes)}::text[]) hash`);
}

export async function takeRecoveryCode(db: SystemDb, owner: FactorOwner, hash: string): Promise<boolean> {
  const rows = await db.rows(sql`
    delete from recovery_codes where ${ofOwner(owner)} and code_hash = ${hash} returning 1`);
  return rows.length > 0;
}

/** Whether there was one that was confirmed. */
export async function deleteFactor(db: SystemDb, owner: FactorOwner): Promise<boolean> {
  await db.rows(sql`delete from recovery_codes where ${ofOwner(owner)}`);
  const [row] = await db.rows<{ confirmed: boolean }>(sql`
    delete from totp_factors where ${ofOwner(owner)} returning confirmed_at is not null as confirmed`);
  return row?.confirmed ?? false;
}
