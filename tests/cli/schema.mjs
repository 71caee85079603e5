// Checks a JSON document against a JSON Schema: the keywords that docs/report.schema.json uses, and an error for any other.
//   node schema.mjs SCHEMA DOCUMENT     exit 1 and one line per violation on stderr
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const type_of = (value) => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};
const has_type = (value, type) => type_of(value) === type || (type === 'integer' && Number.isInteger(value));

const keywords = {
  type: (value, types) => ([types].flat().some((type) => has_type(value, type)) ? [] : [`is no ${types}`]),
  const: (value, wanted) => (value === wanted ? [] : [`is not ${wanted}`]),
  enum: (value, wanted) => (wanted.includes(value) ? [] : [`'${value}' is none of ${wanted}`]),
  minimum: (value, bound) => (typeof value !== 'number' || value >= bound ? [] : [`${value} is below ${bound}`]),
  pattern: (value, text) => (typeof value !== 'string' || new RegExp(text).test(value) ? [] : [`'${value}' does not match ${text}`]),
  minLength: (value, length) => (typeof value !== 'string' || value.length >= length ? [] : ['is too short']),
  minItems: (value, count) => (!Array.isArray(value) || value.length >= count ? [] : ['has too few items']),
  required: (value, names) => (type_of(value) === 'object' ? names.filter((name) => !(name in value)).map((name) => `lacks '${name}'`) : []),
  $schema: () => [], title: () => [], description: () => [], $defs: () => [],
};

export function violations(value, schema, root = schema, place = '$') {
  const found = [];
  const descend = (child, child_schema, name) => found.push(...violations(child, child_schema, root, `${place}${name}`));
  for (const [keyword, argument] of Object.entries(schema)) {
    if (keyword === '$ref') descend(value, root.$defs[argument.replace('#/$defs/', '')], '');
    else if (keyword === 'anyOf') {
      const tries = argument.map((option) => violations(value, option, root, place));
      if (tries.every((list) => list.length > 0)) found.push(...tries.at(-1));
    } else if (keyword === 'items') {
      if (Array.isArray(value)) value.forEach((item, i) => descend(item, argument, `[${i}]`));
    } else if (keyword === 'properties' || keyword === 'additionalProperties') {
      if (type_of(value) !== 'object') continue;
      for (const name of Object.keys(value)) {
        const known = schema.properties?.[name];
        if (keyword === 'properties' && known) descend(value[name], known, `.${name}`);
        if (keyword === 'additionalProperties' && !known) {
          if (argument === false) found.push(`${place}: '${name}' is not in the schema`);
          else descend(value[name], argument, `.${name}`);
        }
      }
    } else if (keywords[keyword]) found.push(...keywords[keyword](value, argument).map((text) => `${place}: ${text}`));
    else throw new Error(`the schema uses '${keyword}', which schema.mjs does not know`);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [schema, document] = process.argv.slice(2, 4).map((file) => JSON.parse(fs.readFileSync(file, 'utf8')));
  const found = violations(document, schema);
  for (const line of found) console.error(line);
  process.exit(found.length > 0 ? 1 : 0);
}
