import { z } from "zod";
import { stackShape } from "../../config/schema/stack";

/** A schema, and its key path. */
export interface Place {
  /** With `[]` for an entry of a list, and `*` for a value of a map. */
  readonly path: string;
  readonly schema: z.ZodType;
}

/** Every schema of the stack's config, from the top-level keys down: each variant, list entry and map value. */
function places(schema: z.core.$ZodType, path: string): Place[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return places(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodPipe && schema.out instanceof z.ZodObject) {
    return places(schema.out, path);
  }
  const own = { path, schema: schema as z.ZodType };
  if (schema instanceof z.ZodObject) {
    const shape = Object.entries<z.core.$ZodType>(schema.shape);
    return [own, ...shape.flatMap(([key, value]) => places(value, `${path}.${key}`))];
  }
  if (schema instanceof z.ZodArray) {
    return [own, ...places(schema.element, `${path}[]`)];
  }
  if (schema instanceof z.ZodRecord) {
    return [own, ...places(schema.valueType, `${path}.*`)];
  }
  if (schema instanceof z.ZodUnion) {
    // A variant alone says less than its union, which also has its tag: only its other keys matter.
    const tag = schema instanceof z.ZodDiscriminatedUnion ? `${path}.${schema.def.discriminator}` : path;
    const forms = schema.options.flatMap((option) => places(option, path));
    return [own, ...forms.filter((place) => place.path !== path && place.path !== tag)];
  }
  return [own];
}

/** Every place of the stack's config. */
export const PLACES: readonly Place[] = Object.entries(stackShape).flatMap(([key, schema]) => places(schema, key));
