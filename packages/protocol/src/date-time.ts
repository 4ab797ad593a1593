import { EncodeError, excerpt } from "./errors.js";

/** Date with or without dashes, time, up to 30 digits of fraction, zone; the ranges are checked after. */
const grammar =
  /^([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,30})?(?:Z|[+-]([0-9]{2}):?([0-9]{2}))?$/;

/**
 * A `<dateTime.iso8601>`, kept as the text that was written.
 *
 * XML-RPC says nothing of time zones: the same text means different moments to different peers, so
 * turning it into a JavaScript `Date` would guess. Basic form is `19980717T14:08:55`; dashes, a
 * fraction, `Z` and `±HH:MM` are also accepted and kept.
 */
export class DateTime {
  readonly text: string;

  /** @throws EncodeError when the text is no date that exists, so that every DateTime can be written */
  constructor(text: string) {
    if (!DateTime.isValid(text)) {
      throw new EncodeError(`a date is written like 19980717T14:08:55, not ${excerpt(String(text))}`);
    }
    this.text = text;
  }

  static isValid(text: string): boolean {
    const match = grammar.exec(text);
    if (match === null) return false;
    const [year, month, day] = [Number(match[1]), Number(match[3]), Number(match[4])];
    return (
      year >= 1 &&
      day >= 1 &&
      day <= daysInMonth(year, month) &&
      Number(match[5]) <= 23 &&
      Number(match[6]) <= 59 &&
      Number(match[7]) <= 60 && // a leap second is a time that exists
      Number(match[8] ?? 0) <= 23 &&
      Number(match[9] ?? 0) <= 59
    );
  }

  /**
   * The date in UTC, in basic form and without a zone, because many peers choke on `Z`.
   * @throws EncodeError for an invalid date, a year beyond 1…9999, or milliseconds, which that form would lose
   */
  static fromDate(date: Date): DateTime {
    const time = date.getTime();
    if (Number.isNaN(time)) throw new EncodeError("an invalid Date has no XML-RPC form");
    if (date.getUTCMilliseconds() !== 0) {
      throw new EncodeError(
        `${date.toISOString()} has milliseconds, which XML-RPC cannot carry: round it to seconds`,
      );
    }
    const year = date.getUTCFullYear();
    if (year < 1 || year > 9999) throw new EncodeError(`a date's year is 1 to 9999, not ${year}`);
    const iso = date.toISOString(); // 1998-07-17T14:08:55.000Z
    return new DateTime(iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 19));
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

function daysInMonth(year: number, month: number): number {
  if (month < 1 || month > 12) return 0;
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
