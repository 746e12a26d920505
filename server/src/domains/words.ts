import { sql, type SQL } from '@olympus/database';

/** All the words of `q`, in whatever order and case, somewhere in the columns. Taken as they are: `%` is a percent sign. */
export function hasWords(columns: readonly SQL[], q: string): SQL {
  const text = sql`lower(concat_ws(' ', ${sql.join([...columns], sql`, `)}))`;
  const words = q.split(/\s+/).filter(Boolean);
  return sql.join(
    words.map((word) => sql`strpos(${text}, lower(${word})) > 0`),
    sql` and `,
  );
}
