import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Connection } from "./connection.js";
import { Pulse } from "./pulse.js";

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"],
  });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A connection whose other end answers when the test says so. */
function pulse() {
  const connection = {
    asked: 0,
    answered: 0,
    ask() {
      this.asked += 1;
    },
  };
  const seen: string[] = [];
  const subject = new Pulse(connection as unknown as Connection, {
    quietMs: 100,
    silenceMs: 1000,
    onAnswered: (position) => seen.push(`answered ${position}`),
    onQuiet: () => seen.push("quiet"),
    onSilent: () => seen.push("silent"),
  });
  const answer = (count = 1) => {
    connection.answered += count;
    subject.answered();
  };
  return { subject, connection, seen, answer };
}

describe("the pulse of a connection", () => {
  it("is not taken while nothing is sent", () => {
    const { connection, seen } = pulse();
    vi.advanceTimersByTime(10_000);
    expect([connection.asked, seen]).toEqual([0, []]);
  });

  it("is taken once per message that comes alone, and says that it arrived", () => {
    const { subject, connection, seen, answer } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(1);
    answer();
    vi.advanceTimersByTime(10_000);
    expect([connection.asked, seen]).toEqual([1, ["answered 1"]]);
  });

  it("wakes up for nothing between messages that come alone", () => {
    const { subject, connection, answer } = pulse();
    for (let message = 1; message <= 3; message += 1) {
      subject.sent(message);
      vi.advanceTimersByTime(1);
      answer();
      expect([connection.asked, vi.getTimerCount()]).toEqual([message, 0]);
      vi.advanceTimersByTime(49);
    }
  });

  it("rests 40 ms after an answer, whatever is sent, and then asks at once", () => {
    const { subject, connection, answer } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(1);
    answer();
    vi.advanceTimersByTime(10);
    subject.sent(2);
    vi.advanceTimersByTime(29);
    expect(connection.asked).toBe(1);
    vi.advanceTimersByTime(2);
    expect(connection.asked).toBe(2);
  });

  it("is taken every 40 ms at most while much is sent, and covers what was sent last", () => {
    const { subject, connection, seen, answer } = pulse();
    for (let ms = 1; ms <= 200; ms += 1) {
      subject.sent(ms);
      vi.advanceTimersByTime(1);
      if (connection.answered < connection.asked) answer();
    }
    expect(connection.asked).toBeLessThanOrEqual(6);
    vi.advanceTimersByTime(60);
    answer();
    expect(seen.at(-1)).toBe("answered 200");
  });

  it("is quiet when no answer comes in time, until they do", () => {
    const { subject, connection, seen, answer } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(1);
    answer();
    vi.advanceTimersByTime(100);
    subject.sent(2);
    vi.advanceTimersByTime(90);
    expect(subject.quiet).toBe(false);
    vi.advanceTimersByTime(50);
    expect([subject.quiet, seen]).toEqual([true, ["answered 1", "quiet"]]);
    // One answer is not enough: the questions after it are overdue as well.
    answer();
    expect(subject.quiet).toBe(true);
    answer(connection.asked - connection.answered);
    expect([subject.quiet, seen.at(-1)]).toEqual([false, "answered 2"]);
  });

  it("asks again soon, a few times, so that TCP notices what got lost", () => {
    const { subject, connection, answer } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(1);
    answer();
    vi.advanceTimersByTime(100);
    subject.sent(2);
    vi.advanceTimersByTime(80);
    expect(connection.asked).toBe(1 + 4);
    vi.advanceTimersByTime(10_000);
    expect(connection.asked).toBe(1 + 8);
  });

  it("of a far peer may take four times as long as its fastest answer", () => {
    const { subject, seen, answer } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(80);
    answer();
    vi.advanceTimersByTime(100);
    subject.sent(2);
    vi.advanceTimersByTime(250);
    expect([subject.quiet, seen]).toEqual([false, ["answered 1"]]);
    vi.advanceTimersByTime(200);
    expect(subject.quiet).toBe(true);
  });

  it("that is missing for long is told, again and again", () => {
    const { subject, seen } = pulse();
    subject.sent(1);
    vi.advanceTimersByTime(1400);
    expect(seen.filter((what) => what === "silent").length).toBeGreaterThan(1);
    subject.stop();
    const before = seen.length;
    vi.advanceTimersByTime(10_000);
    expect(seen).toHaveLength(before);
  });

  it("believes no answer to what was not asked", () => {
    const { subject, seen } = pulse();
    subject.answered();
    expect(seen).toEqual([]);
  });
});
