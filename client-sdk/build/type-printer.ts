/** A schema as zod 4 keeps it. */
export interface Schema {
  readonly _zod: { readonly def: SchemaDef };
  meta?(): { id?: string; description?: string } | undefined;
}
interface SchemaDef {
  readonly type: string;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
  readonly innerType?: Schema;
  readonly options?: readonly Schema[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly keyType?: Schema;
  readonly valueType?: Schema;
}
/** What a caller sends, or what it receives. */
export type Side = 'input' | 'output';

const plain: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  boolean: 'boolean',
  date: 'Date',
  null: 'null',
  unknown: 'unknown',
};

/** Prints schemas as TypeScript, each named object, enum and union once. */
export class TypePrinter {
  readonly #declarations = new Map<string, string>();

  /** Every named type met so far, sorted by name. */
  declarations(): string[] {
    return [...this.#declarations].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  }

  /** A type expression for the schema. */
  print(schema: Schema, side: Side): string {
    const { def } = schema._zod;
    const id = schema.meta?.()?.id;
    if (id && (def.type === 'object' || def.type === 'enum' || def.type === 'union'))
      return this.#named(schema, side, id);
    return this.#expression(schema, side);
  }

  /** Declares an interface under a name of the caller's choice. */
  declare(name: string, schema: Schema, side: Side): string {
    this.#add(name, `export interface ${name} ${this.#object(schema, side)}`);
    return name;
  }

  #named(schema: Schema, side: Side, id: string): string {
    const text = this.#expression(schema, side);
    const other = this.#expression(schema, side === 'input' ? 'output' : 'input');
    const name = text === other || side === 'output' ? id : `${id}Input`;
    const body = schema._zod.def.type === 'object' ? `interface ${name} ${text}` : `type ${name} = ${text};`;
    this.#add(name, `${docOf(schema, '')}export ${body}`);
    return name;
  }

  #add(name: string, text: string): void {
    const known = this.#declarations.get(name);
    if (known !== undefined && known !== text) throw new Error(`two different schemas are called ${name}`);
    this.#declarations.set(name, text);
  }

  #expression(schema: Schema, side: Side): string {
    const { def } = schema._zod;
    const simple = plain[def.type];
    if (simple) return simple;
    switch (def.type) {
      case 'object':
        return this.#object(schema, side);
      case 'array':
        return `Array<${this.print(part(def.element), side)}>`;
      case 'nullable':
        return `${this.print(part(def.innerType), side)} | null`;
      case 'optional':
        return `${this.print(part(def.innerType), side)} | undefined`;
      case 'default':
      case 'prefault':
        return this.print(part(def.innerType), side) + (side === 'input' ? ' | undefined' : '');
      case 'enum':
        return Object.values(def.entries ?? {})
          .map(quote)
          .join(' | ');
      case 'literal':
        return (def.values ?? []).map((value) => JSON.stringify(value).replaceAll('"', "'")).join(' | ');
      case 'union':
        return (def.options ?? []).map((option) => this.print(option, side)).join(' | ');
      case 'record':
        return `Record<${this.print(part(def.keyType), side)}, ${this.print(part(def.valueType), side)}>`;
      default:
        throw new Error(`the client's types know no zod ${def.type}`);
    }
  }

  #object(schema: Schema, side: Side): string {
    const fields = Object.entries(schema._zod.def.shape ?? {}).map(([name, field]) => {
      const { type } = field._zod.def;
      const optional = type === 'optional' || (/^(?:default|prefault)$/.test(type) && side === 'input');
      return `${docOf(field, '  ')}  ${name}${optional ? '?' : ''}: ${this.print(field, side)};`;
    });
    return fields.length > 0 ? `{\n${fields.join('\n')}\n}` : '{}';
  }
}

export const quote = (text: string): string => `'${text}'`;

/** A docstring, or nothing. */
export const docLine = (text: string | undefined, indent: string): string =>
  text ? `${indent}/** ${text.replaceAll('*/', '*\u2060/')} */\n` : '';
const docOf = (schema: Schema, indent: string): string => docLine(schema.meta?.()?.description, indent);

function part(schema: Schema | undefined): Schema {
  if (!schema) throw new Error('a schema lacks its inner one');
  return schema;
}
