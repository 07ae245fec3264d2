/** What OpenJDK 17 prints and reads, in UTC. */

import { describe, expect, it } from 'vitest';
import { compileDateFormat, type DateFormat } from './simple-date-format.ts';

function formatOf(pattern: string): DateFormat {
  const format = compileDateFormat(pattern);
  if (typeof format === 'string') throw new Error(format);
  return format;
}

const AT = Date.UTC(2024, 1, 29, 0, 5, 6, 7);

describe('a date', () => {
  it.each([
    ["yyyy-MM-dd'T'HH:mm:ss.SSSX", '2024-02-29T00:05:06.007Z'],
    ['yy y yyyyy M L d D', '24 2024 02024 2 2 29 60'],
    ['k h K H', '24 12 0 0'],
    ['SSSSSS S Z XXX', '000007 7 +0000 Z'],
    ['EEE, d MMM h a z', 'Thu, 29 Feb 12 AM UTC'],
    ['EEEE MMMM LLL zzzz G', 'Thursday February Feb Coordinated Universal Time AD'],
    ["'it''s' ''yyyy''", "it's '2024'"],
  ])('is printed by %s', (pattern, text) => {
    expect(formatOf(pattern).print(AT)).toBe(text);
  });

  it('before 15 October 1582 is one of the Julian calendar', () => {
    const { print, parse } = formatOf('yyyy-MM-dd D');
    const day = 86_400_000;
    const reform = Date.UTC(1582, 9, 15);
    expect([print(reform), print(reform - day)]).toEqual(['1582-10-15 278', '1582-10-04 277']);
    expect(print(-62_135_596_800_000 - 3 * day)).toBe('0001-12-31 366');
    expect(formatOf('yyyy-MM-dd').parse('1582-10-04')).toBe(reform - day);
    expect(formatOf('yyyy-MM-dd').parse('1582-10-10')).toBe(Date.UTC(1582, 9, 20));
    expect(parse('1500-01-01 60')).toBe(formatOf('yyyy-MM-dd').parse('1500-02-29'));
  });

  it.each<[string, string, number | undefined]>([
    ['yyyy-MM-dd', '2024-04-31', Date.UTC(2024, 4, 1)],
    ['yyyy-MM-dd', '2024-14--1', Date.UTC(2025, 0, 30)],
    ['yyyy-MM-dd', ' 2024- 2-29 and more', Date.UTC(2024, 1, 29)],
    ['yyyyMMddHHmm', '202402290575', Date.UTC(2024, 1, 29, 6, 15)],
    ['HH:mm:ss.SSSSSS', '00:00:00.123456', 123_456],
    ['yyyy-MM-dd HH:mmX', '2024-02-29 00:00+01', Date.UTC(2024, 1, 28, 23)],
    ['yyyy-MM-dd HH:mmXXX', '2024-02-29 00:00-05:30', Date.UTC(2024, 1, 29, 5, 30)],
    ['HH:mm Z', '00:00 GMT+1:00', -3_600_000],
    ['HH:mm Z', '00:00 +0100', -3_600_000],
    ['hh K', '12 5', 5 * 3_600_000],
    ['k h', '24 5', 0],
    ['yyyy-MM-dd', '2024/02/29', undefined],
    ['yyyyMM', '2024', undefined],
    ['HH:mmX', '00:00 x', undefined],
  ])('is read by %s from %s', (pattern, text, millis) => {
    expect(formatOf(pattern).parse(text)).toBe(millis);
  });
});

describe('a pattern', () => {
  it.each([
    ['YYYY', 'YYYY depends on the locale'],
    ['ww', 'ww depends on the locale'],
    ['XXXX', 'invalid ISO 8601 format: length=4'],
    ['yyyyb', "Illegal pattern character 'b'"],
    ["yyyy 'x", 'Unterminated quote'],
    ['u', 'u is not supported'],
  ])('%s is refused', (pattern, reason) => {
    expect(compileDateFormat(pattern)).toBe(reason);
  });

  it('with a short year or a name prints, and does not read', () => {
    expect(formatOf('d MMM yyyy').parseProblem).toBe('MMM is a name, and names are not read');
    expect(formatOf('yy').parseProblem).toContain('century');
    expect(formatOf('yyyy').parseProblem).toBeUndefined();
  });
});
