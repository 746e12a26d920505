import {
  commonErrors,
  contracts,
  errors,
  isContract,
  type AnyContract,
  type ContractTree,
  type Def,
} from '@olympus/contracts';
import { docLine, quote, TypePrinter, type Schema } from './type-printer.ts';

/**
 * The contracts as plain TypeScript with the exports of `src/contracts.ts`, so that the published
 * types need neither zod nor inference. `contract-types.check.ts` holds the two equal.
 */
export function contractTypes(): string {
  const types = new TypePrinter();
  const procedures = treeOf(contracts, types, '  ');
  const failures = Object.entries({ ...commonErrors, ...errors }).map(
    ([code, { data, title, status }]) =>
      `${docLine(`${title} (${status}).`, '  ')}  ${code}: ${types.print(data as Schema, 'output')};`,
  );
  return `// Generated from the contracts; not to be edited.

/** Every procedure, by domain. */
export interface Procedures {
${procedures}
}
/** What comes with each error, by code. */
export interface ServerFailures {
${failures.join('\n')}
}
/** Errors that any call may meet. */
export type CommonCode = ${Object.keys(commonErrors).map(quote).join(' | ')};
/** An item of a stream, with the id from which the stream resumes. */
export interface Tracked<T> {
  readonly id: string;
  readonly data: T;
}
${types.declarations().join('\n')}
`;
}

function treeOf(tree: ContractTree, types: TypePrinter, indent: string): string {
  return Object.entries(tree)
    .map(([name, node]) =>
      isContract(node)
        ? docLine(`${node.def.summary}.`, indent) + `${indent}${name}: ${procedureOf(node, types)};`
        : `${indent}${name}: {\n${treeOf(node, types, `${indent}  `)}\n${indent}};`,
    )
    .join('\n');
}

function procedureOf({ kind, def }: AnyContract, types: TypePrinter): string {
  const { operationId, input, output, tracked } = def;
  const inputType = input ? types.declare(`${capital(operationId)}Input`, input as Schema, 'input') : 'void';
  const item = types.print(output as Schema, 'output');
  const codes = Object.keys(def.errors ?? {})
    .map(quote)
    .join(' | ');
  return `{ kind: '${kind}'; input: ${inputType}; output: ${tracked ? `Tracked<${item}>` : item}; code: ${codes || 'never'}; bulk: ${bulkOf(def)} }`;
}

const bulkOf = ({ upload, download }: Def): string =>
  upload?.[0] === 'multipart/form-data'
    ? quote('file')
    : upload
      ? quote('upload')
      : download
        ? quote('download')
        : 'never';

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
