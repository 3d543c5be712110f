import { describe, expect, it } from 'vitest'
import { truthOf } from './condition.fixture.ts'
import { aRequest } from './request.fixture.ts'

const long = aRequest({ facts: { path: 'a'.repeat(60_000) } })

describe('functions on texts', () => {
  it.each([
    "'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == ''",
    "'a😀b'.charAt(1) == '😀' && 'a😀b'.size() == 3 && size('a😀b') == 3",
    "'tacocat'.indexOf('a') == 1 && 'tacocat'.indexOf('a', 2) == 5 && 'tacocat'.indexOf('none') == -1",
    "'tacocat'.indexOf('') == 0 && 'tacocat'.indexOf('', 7) == 7 && '😀a'.indexOf('a') == 1",
    "'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('a', 4) == 1 && 'tacocat'.lastIndexOf('') == 7",
    "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && http.query.tag.join('+') == 'x+y'",
    "'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'tacocæt'.upperAscii() == 'TACOCæT'",
    "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
    "'hello'.replace('l', '', -1) == 'heo' && 'ab'.replace('', '-') == '-a-b-' && 'ab'.replace('a', 'b', 0) == 'ab'",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b']",
    "'a,b'.split(',', 0) == [] && 'a,b'.split(',', -1) == ['a', 'b']",
    "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'a😀b'.substring(1, 2) == '😀'",
    "'  \\t x y\\n '.trim() == 'x y' && '\\u2003x'.trim() == 'x'",
    "'gums'.reverse() == 'smug' && 'a😀'.reverse() == '😀a'",
    "'%s is %d'.format(['x', 5]) == 'x is 5' && '%%'.format([]) == '%'",
    "'%f %.2f %e'.format([1.5, 2.0, 1234.5]) == '1.500000 2.00 1.234500e+03'",
    "'%x %X %o %b %x'.format([255, 255, 8, 5, 'hi']) == 'ff FF 10 101 6869' && '%b'.format([true]) == '1'",
    "'%s'.format([[1, 'a', true, null, 1.5]]) == '[1, a, true, null, 1.5]'",
    `'%s'.format([{'b': 1, 'a': [2]}]) == '{a: [2], b: 1}' && '%s'.format([timestamp(0)]) == '1970-01-01T00:00:00Z'`,
    `strings.quote('a"b\\n') == '"a\\\\"b\\\\n"'`,
    'sets.contains([1, 2u, 3.0], [1.0, 2, 3u]) && sets.equivalent([1, 1], [1.0]) && sets.intersects([1, 2], [2.0])',
    "!sets.contains([1], [1.5]) && !sets.intersects(['1'], ['a']) && sets.contains([], []) && !sets.equivalent([1], [2])",
    "sets.contains([[1, 'a'], {'k': 1}], [{'k': 1.0}]) && sets.equivalent(http.query.tag, ['y', 'x', 'x'])",
  ])('%s', (condition) => {
    expect(truthOf(condition, aRequest({ facts: { query: { tag: ['x', 'y'] } } }))).toBe(true)
  })

  it.each([
    "'hello'.charAt(6) == ''",
    "'hello'.charAt(-1) == ''",
    "'hello'.substring(3, 2) == ''",
    "'hello'.substring(6) == ''",
    "'hello'.indexOf('a', 6) == 0",
    "'%d'.format(['a']) == ''",
    "'%s'.format([]) == ''",
    "'%q'.format([1]) == ''",
    "'%.200f'.format([1.0]) == ''",
    "(http.path + http.path).replace('a', http.path.substring(0, 100)) == ''",
    "'%s%s'.format([http.path, http.path]) == ''",
    "'%s'.format([http.body_json]) == ''",
  ])('%s cannot be evaluated', (condition) => {
    let deep: unknown = 1
    for (let depth = 0; depth < 20; depth += 1) deep = [deep]
    const request = aRequest({ facts: { path: 'a'.repeat(60_000), body_json: deep } })
    expect(truthOf(condition, request)).toBe('evaluation error')
  })

  it.each([
    ["['^a+$'].exists(p, http.path.matches(p))", true],
    ["http.query.tag.all(t, t.matches('^[xy]$'))", true],
    ["http.path.matches('^' + http.host + '+$')", true],
    ['matches(http.path, http.host)', true],
    // what JavaScript has and RE2 does not
    ["http.path.matches('(?=' + http.host + ')')", 'evaluation error'],
    ["['(a)\\\\1'].exists(p, http.path.matches(p))", 'evaluation error'],
  ])('matches is RE2 everywhere: %s', (condition, expected) => {
    const request = aRequest({ facts: { path: 'aaa', host: 'a', query: { tag: ['x', 'y'] } } })
    expect(truthOf(condition, request)).toBe(expected)
  })

  it('are refused what is too long', () => {
    expect(truthOf("http.path.split('').exists(c, c == 'b')", long)).toBe('evaluation error')
  })
})
