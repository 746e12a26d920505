import { closest } from 'fastest-levenshtein';
import type { Failure } from '../kernel/failure.ts';
import { invalidInput } from '../kernel/steps/validate.ts';

/** The failure of one fault that only a transport can see. */
export const issue = (field: string, message: string, code: string): Failure =>
  invalidInput([{ field, message, code, nearest: null }]);

/** The failure of fields that are not known where they were sent. */
export function unknownFields(fields: readonly string[], known: readonly string[], where: string): Failure {
  return invalidInput(
    fields.map((field) => {
      const nearest = known.length > 0 ? closest(field, [...known]) : null;
      const hint = nearest ? `; the nearest is ${nearest}` : '';
      return { field, message: `is not a known ${where}${hint}`, code: 'unrecognized_keys', nearest };
    }),
  );
}
