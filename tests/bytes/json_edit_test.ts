import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { withItems, withMember } from "../../lib/bytes/json_edit.ts";

const items = (source: string, ...values: object[]) => text(withItems(utf8(source), "layers", values as never));

Deno.test("what is added to an array changes no other byte", () => {
  const rows: [string, string][] = [
    ['{"layers":[]}', '{"layers":[{"n":1}]}'],
    ['{"layers":[ ]}', '{"layers":[ {"n":1}]}'],
    ['{"layers":[1.0]}', '{"layers":[1.0,{"n":1}]}'],
    [
      '{ "a":"\\u003c" ,\n"layers" : [ {"x":[1,2],"y":{}} ]\n, "z": 1e3 }\n',
      '{ "a":"\\u003c" ,\n"layers" : [ {"x":[1,2],"y":{}} ,{"n":1}]\n, "z": 1e3 }\n',
    ],
    ['{"x":{"layers":[0]},"layers":[9]}', '{"x":{"layers":[0]},"layers":[9,{"n":1}]}'],
    [
      '{"x":"layers","y":["layers",":",[]],"layers":["]"]}',
      '{"x":"layers","y":["layers",":",[]],"layers":["]",{"n":1}]}',
    ],
    ['{"lay\\u0065rs":[[]]}', '{"lay\\u0065rs":[[],{"n":1}]}'],
    ['{"a":"\\"layers\\":[","layers":["\\\\"],"b":"]"}', '{"a":"\\"layers\\":[","layers":["\\\\",{"n":1}],"b":"]"}'],
    ['{"ü":"𝄞","layers":["ß"]}', '{"ü":"𝄞","layers":["ß",{"n":1}]}'],
  ];
  for (const [before, after] of rows) assert.equal(items(before, { n: 1 }), after);
  assert.equal(items('{"layers":[0]}', { a: 1 }, { b: 2 }), '{"layers":[0,{"a":1},{"b":2}]}');
  assert.equal(items('{"layers":[0]}'), '{"layers":[0]}');
});

Deno.test("a member is replaced, and nothing else", () => {
  const replace = (source: string) => text(withMember(utf8(source), "config", { digest: "d" }));
  assert.equal(replace('{"config":{"a":[1]},"b":2}'), '{"config":{"digest":"d"},"b":2}');
  assert.equal(replace('{"b":{"config":1}, "config" :\t1.50 }'), '{"b":{"config":1}, "config" :\t{"digest":"d"} }');
  assert.equal(replace('{"config":"x, y"}'), '{"config":{"digest":"d"}}');
});

Deno.test("there is nothing to add to where the member is missing or no array", () => {
  assert.throws(() => items('{"a":{"layers":[]}}', {}), /the member "layers" is missing/);
  assert.throws(() => items("[]", {}), /is missing/);
  assert.throws(() => items('{"layers":{"a":[]}}', {}), /the member "layers" is no array/);
  assert.throws(() => items('{"layers":"[]"}', {}), /is no array/);
  assert.throws(() => items('{"layers":null}', {}), /is no array/);
});

Deno.test("a text of four million characters is no trouble", () => {
  const long = `{"a":"${"x\\n".repeat(1_300_000)}","layers":[]}`;
  assert.equal(items(long, { n: 1 }), long.replace("[]", '[{"n":1}]'));
});
