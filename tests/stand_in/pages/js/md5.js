// MD5 of a text (RFC 1321) as 32 lower-case hexadecimal digits; the login form sends it instead of a password.
function MD5(text) {
    var bytes = unescape(encodeURIComponent(text)), length = bytes.length, words = [], i, j;
    var shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    for (i = 0; i < length; i++) {
        words[i >> 2] |= bytes.charCodeAt(i) << (i % 4 * 8);
    }
    words[length >> 2] |= 0x80 << (length % 4 * 8);
    var total = ((length + 8 >> 6) + 1) * 16;
    words[total - 2] = length * 8;
    var state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
    for (i = 0; i < total; i += 16) {
        var a = state[0], b = state[1], c = state[2], d = state[3];
        for (j = 0; j < 64; j++) {
            var round = j >> 4, f, g;
            if (round === 0) { f = b & c | ~b & d; g = j; }
            else if (round === 1) { f = d & b | ~d & c; g = (5 * j + 1) % 16; }
            else if (round === 2) { f = b ^ c ^ d; g = (3 * j + 5) % 16; }
            else { f = c ^ (b | ~d); g = 7 * j % 16; }
            var sum = a + f + (Math.floor(Math.abs(Math.sin(j + 1)) * 4294967296) | 0) + (words[i + g] | 0) | 0;
            var shift = shifts[round * 4 + j % 4];
            a = d; d = c; c = b;
            b = b + (sum << shift | sum >>> 32 - shift) | 0;
        }
        state = [state[0] + a | 0, state[1] + b | 0, state[2] + c | 0, state[3] + d | 0];
    }
    return state.map(function (word) {
        return [0, 8, 16, 24].map(function (bits) {
            return ('0' + (word >>> bits & 255).toString(16)).slice(-2);
        }).join('');
    }).join('');
}
