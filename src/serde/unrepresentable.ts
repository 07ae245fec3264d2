/**
 * Owns the failure of a value that PostgreSQL and Connect have and Protobuf does not: a null in an array, a date before our era. Confluent's
 * converter ends the task there; no other value may stand for it.
 */
import { ConversionError } from '../values/value-writer.ts';

export class UnrepresentableError extends ConversionError {}
