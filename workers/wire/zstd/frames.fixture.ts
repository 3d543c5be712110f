/** Frames of the reference encoder (`zstd` 1.5.4), and what they say. */
export interface Sample {
  readonly name: string
  readonly text: Buffer
  readonly frame: Buffer
}

const random = generator(1)

const letter = Buffer.from(
  Array.from(
    { length: 60 },
    (_, i) => `{"user":"u${(i * 7919) % 101}","amount":${i * i},"note":"pay ${i % 7} to ${i % 5}"}`,
  ).join(','),
)
const noise = Buffer.from(Array.from({ length: 300 }, () => random() & 255))
/** Bytes that pack, and nothing that repeats. */
const skewed = Buffer.from(
  Array.from({ length: 1500 }, () => 33 + Math.floor((((random() >> 8) % 1000) ** 3 / 1e9) * 60)),
)
const strand = Buffer.from(Array.from({ length: 600 }, () => 'ACGT'.charCodeAt((random() >> 8) & 3)))
const rows = Buffer.from(
  Array.from({ length: 40 }, () => {
    const label = Array.from({ length: 6 }, () => String.fromCharCode(33 + ((random() >> 8) % 90))).join('')
    return `${label}: the same words`
  }).join(''),
)
const zeros = Buffer.alloc(200_000)
const empty = Buffer.alloc(0)

/** One of each kind of block, literals and table the encoder makes. */
export const samples: readonly Sample[] = [
  sample(
    'level 1',
    letter,
    `
    KLUv/WRHCp0OAMZUMRigJ+n2AU1MPOUeqnpEk3JLmVICjO/9KxM4ACQAJQDUD6IYL7o8iGL42kEUo69xEMUg+UICmUEUY8YBAAExkICCGCCFMZ
    Bi4EAIAJACmQMxkIIAgwNBCHQhKi3dtP9+08uz3OLXdK1H6tBQ++OVi9b+Zmzx8FblopbKpy390Xy3eguLVFTviebTr1m2huxJmofzdjisuzPe
    rPhWLYVK1SsJ5LS7zi+bqKXpF9svXs9WaiHJqbLMDHV8znv+uPfelEXWaqgTgNGo8Wx5C/ufAVAzI9kGEaSEEYyZaArdg+SHah6WNMV5i61FCm
    aHctSaJIiYwyAlP9bjYx5dGZYv2Jz1JTBESG5yjdU1eHKuk/IHlrPsrnJKh5qIt9tYH9RMnsHKauaCC9Czu0mTlcpCoU9af02ngToL2YhkzSNk
    NYhCpoiKPG751a+zNaSs3hgcKVX1TYpREYwyr/Ska7ywnD3YYDmlkKoNTV961fjL6dpttVZ17goeIPALxEnru4ikVMRSaISx0tv7KIJEGJoLaO
    lqKNufMqInDMhobk6kMZWOyYIIPpPVv0elVTLiAVImwW/0GCKR4btNt44Kmk9XVzAXpFSSs99MHD/VcVy+cBhViD9C7Q==`,
  ),
  sample(
    'level 19',
    letter,
    `
    KLUv/WRHCg0MAKaYNheQKelYfUP9ro3Y/awm5U4yyfSCIHUX9D0AKwAqAMOTjS7pF/rtykP8xd5M7VMuUm1dIkkfFooZEgeGGRIACApEEXCQGC
    gOQxQHAwgJAYDiUAyhQBQFAQYIhUJ9dYzifHzm6Wn5mCGtjpQmF0fL7Jvp4TvErkiliMV+NuO03qsur7djE9FsdS81SFimu/MHT5pvtpcdk22K
    e+Gr7EfWQ5KkaJzbjRS+Zt2KJk00ZCYJJL+kvsyU5ZK70GOfTsRzlpS4Rp2KN8hy5xi3EY/zSu5JuVMrfZI+ma4BgOCoMZS17X8HwJUqHRHwhB
    NlfUkhw34GrUq1kdogJcdahpJjZbDgCNVFtCz3RNCG3NJnLUfJs0YK1kD1NFETSpRP2uLBR1qqn6SSR5u3MloaNRV55kFSqFe9F1ZJ0bOUPCOc
    yjklKHEsxsljUctAmtCG9owWtQykCW1oz2ghkjPIbqaLc11m5Jw0CZmVx6J6ns2xZoicoFIOBzpzVvhIiqdQI1WIP0Lt`,
  ),
  sample(
    'level 22 with a window of 128 MiB, from a pipe',
    letter,
    `
    KLUv/QSIDQwAppg2F5Ap6Vh9Q/2ujdj9rCblTjLJ9IIgdRf0PQArACoAw5ONLukX+u3KQ/zF3kztUy5SbV0iSR8WihkSB4YZEgAICkQRcJAYKA
    5DFAcDCAkBgOJQDKFAFAUBBgiFQn11jOJ8fObpafmYIa2OlCYXR8vsm+nhO8SuSKWIxX4247Teqy6vt2MT0Wx1LzVIWKa78wdPmm+2lx2TbYp7
    4avsR9ZDkqRonNuNFL5m3YomTTRkJgkkv6S+zJTlkrvQY59OxHOWlLhGnYo3yHLnGLcRj/NK7km5Uyt9kj6ZrgGA4KgxlLXtfwfAlSodEfCEE2
    V9SSHDfgatSrWR2iAlx1qGkmNlsOAI1UW0LPdE0Ibc0mctR8mzRgrWQPU0URNKlE/a4sFHWqqfpJJHm7cyWho1FXnmQVKoV70XVknRs5Q8I5zK
    OSUocSzGyWNRy0Ca0Ib2jBa1DKQJbWjPaCGSM8hupotzXWbknDQJmZXHonqezbFmiJygUg4HOnNW+EiKp1AjVYg/Qu0=`,
  ),
  sample(
    'no checksum',
    letter,
    `
    KLUv/WBHCg0NAJYUMBiQt9AGuMo6Kvaeid1vW2T3TikNEFR3QQ81ACQAJACnVu5jJP8y059osq/tayT5wsEQQkJBEELBQWAYBkKRCBgFMQxFwC
    IBcBiFIYthGAMIgsUwCETXTLVz0/6T30MvP+TyX9O1lZ3KsBe6I9ORtfOb8S0LXxqRGWYaX6khEYeG3s/Nvt+aJcuSsCfSPEJ5hULTXc94mpWF
    WjVF9AfjN53tmZZi+kX253y+depihcriVCzyypG4N9LayZql1fdYAYDSqDGgfP0/A5AzkrYBEaCIMGJB71DBNjBzBTRER+KAaWDtUpkmrp7YW6
    dfQcUoXEw5RAuPNjQy5n0dz6YDEoq/XIRFcf91BKVA5Zh9UNkcPVTzVR8uGNOEnTHQKFWGD9K5VQ8hkqmHUEhpUuTaqujsKAcy6ImbpaQQ3GZu
    rHHiWx903EUbaQn/j8/HfeMEZ99h32RNulbaPnFDXSBIZJIED6MCFhoHvfIniplhuhtj+U02J7SvlI9zLGKW+FVPxEeKAtTVQzJKAPiJg0o46o
    t5KASkK2QlQkRxWeiiKg==`,
  ),
  sample(
    'no content size',
    letter,
    `
    KLUv/QBYDQ0AlhQwGJC30Aa4yjoq9p6J3W9bZPdOKQ0QVHdBDzUAJAAkAKdW7mMk/zLTn2iyr+1rJPnCwRBCQkEQQsFBYBgGQpEIGAUxDEXAIg
    FwGIUhi2EYAwiCxTAIRNdMtXPT/pPfQy8/5PJf07WVncqwF7oj05G185vxLQtfGpEZZhpfqSERh4bez82+35oly5KwJ9I8QnmFQtNdz3ialYVa
    NUX0B+M3ne2ZlmL6RfbnfL516mKFyuJULPLKkbg30trJmqXV91gBgNKoMaB8/T8DkDOStgERoIgwYkHvUME2MHMFNERH4oBpYO1SmSaunthbp1
    9BxShcTDlEC482NDLmfR3PpgMSir9chEVx/3UEpUDlmH1Q2Rw9VPNVHy4Y04SdMdAoVYYP0rlVDyGSqYdQSGlS5Nqq6OwoBzLoiZulpBDcZm6s
    ceJbH3TcRRtpCf+Pz8d94wRn32HfZE26Vto+cUNdIEhkkgQPowIWGge98ieKmWG6G2P5TTYntK+Uj3MsYpb4VU/ER4oC1NVDMkoA+ImDSjjqi3
    koBKQrZCVCRHFZ6KIq`,
  ),
  sample(
    'blocks of 1 KiB that share tables',
    letter,
    `
    KLUv/QAA7AUAAskYEbA9nFaBKrrkTLKJtNPC7nA87IPs7zo74e8y3HuMNnz4SS9Z0u1/+Pz5buJuDHMX313+ZvPs333I/3BC2v15/Binu70NM7
    OLGha0CBbM5AIKKjYWxKIQmWwrBRFWBhSegjLQR6gxpNn9PwNwFxm2ARGABEVAIKvL3AHVXvQb9V8hJk5T1DxbRxFPicpLEwa16cRhF0rnMjNN
    t3GpRiOvdsJMEklPr+mveLXp/Z2k1PZD/3cmotALsV8FvAMAUocPCbA7xGQyd1xzePRLLkYnka8tJduM7XF7H5FfT1Jb/yRiQ2d0gULKyO9Kno
    jNaPu1il6/qZ8XUa80FZtPGAFL/Kl5Mj9eYvk0YS6YUFvgJmQJHB5GVKIqlRd6WPKh7MPMiAuzzYzDGgY2FTPDPsf0S/UvW7dlAwCSxg4M4G0A
    piK7e6cEndMBB9GKsTvmIq6FW84bxBHzD5na7WEsix+kupxSSTnLMG2Ct4nRMa3rYpo8N6pFTTq8IGbdAVpEARJM9qXFJtUGm0/WnxwALi966X
    NkhicYsG2T8kKNnMgnEN4pAgI=`,
  ),
  sample(
    'a fast level',
    letter,
    `
    KLUv/WRHCrUYANQieyJ1c2VyIjoidTAiLCJhbW91bnQiOjAsIm5vdGUiOiJwYXkgMCB0byAwIn0sNDExLCIxIHRvIDEiODIiNCwiMiB0byAyIj
    IyIjksIjMgdG8gMyI2MyIxNjQgdG8gNCIyNSw1NCIsMzY1IiwwNSIsNjMifTY2Ijg0In0xMDAwIn00NyIyMSJ9ODg0MiJ9MjgiMTY5MyJ9Njki
    MTk2NCJ9MjI1MCJ9NTAiMjUxIn05Mjg5MiJ9MzEiMzI0MyJ9NzIiMzYxNCJ9MTIiNDAwMCJ9NTMiNDQxMSJ9NDg0MSB0NCIsNTI5MiB0NSIsNT
    c2MyB0NSIsNjI1NCB0NiIsNjc2NSB0NyIsNzI5NiB0NyIsNzg0MCB0OCIsODQxMSB0OCIsOTAwMiB0OSIsOTYxMyB0MTAwMTAyNDQgdDQwIjEw
    ODkzIn04MSIxMTU2NCJ9MjEiMTAgdDYyIjEyOTYxIn0zNjkyIn00MyIxNDQ0MyJ9ODE1MjE0In0yNCI2MDAwIn02NSI2ODExIn03NjQyIn00Ni
    I4NDkzIn04MTkzNjIgdDciLDIwMjUzIHQ4IiwyMTE2NCB0OCIsMjIwOTUgdDkiLDIzMDQ2IHQ5MCIyNDAxMCB0MzAiNTAwMSB0NzEiNjAxMiB0
    MTcwNDIifTUyIjgwOTMifTkyOTE2NCJ9MzMiMzAyNTAifTc0IjMxMzYxIn0xNCIzMjQ5MiJ9NTUiMzM2NDMifTk2IjM0ODE0In2AxKiRGAJ32b
    8DcDMk1QERdASN5Jk2gcoDZPV0dbZ6ujo7stYN5ESUeAyXRWRpWYSvjQjmr14dyLt6dSDPfrc4DiUew2ER2dl5YCK8s2hoTFcoE2u1QBYCIdJc
    tVklKCv9CDlxlCvedAB+K2p0YKjHElD41isgjCM031As4rCuoRyKAefW6udiPdBBWZAPJFVOLUAPK6Mau8ROCEYgow6qPDmtPvE5AJ8TsRy0QR
    TwMUyNSWzDv1RLzcZSosRweCOLSXuzEalgtq3xCWN0bWuCgwmkVuu7TFSebtSetz3v5p8YegsLVAWIP0Lt`,
  ),
  sample(
    'literals in one stream',
    letter,
    `
    KLUv/QAAXAcA0skbGZAlyQNoVSt//S2Fof7Pq7XaklJCkPR/EAOnimajyDNRN69fvCHz8Iim3M3pmf6MmZvdF82XvAHtey/7VdPFVL0kbso9Lh
    I3obkjbrq8cuKm/0kCyoibjAqEoE4VzUYRO9XGwQGiSNlRpwYF4SiAPiBAY2buBp7HxLOTiTuPOY7ReuKMBvaY4zCavD0hSizG8Vj3Lhknr8f+
    yoZY4kwuCInGDO5EBCU2Zm9MRJQPxyYR1SXGjCce1GDtSGSjvGLGLhFfGcjdmhIGSmF8agk7Gmf/KNLBBnaU43LsgI9oYEfBuZENLtxYGbwFAD
    NHD5Y76Ja9rm7mTxMzE88s3txv7f5b/V+02C3z7GbHrzFnZsqfpdgw7DDoDqtG3JR6exxUhztNfMk0RgVCUAE/IFAzozvHkLs78VhJunGrJ+y6
    45hEPIY7CXu4OblPrh0zPyDfvFuSY4z1GLreNto9PHFYDmK012MmpTtu9XuiiHLQeHjXGeMkzHGGTK4zGjePhI3sgnHzEjbcZcbNE/ZouHZAPt
    zEiXdLPEaPlU3cPFFiMfZCEXUEAPOFDAGVxE34kriXi6g3eTc85rCIajDLKQ4/2/twNbRbnplNwzNq7K7k/ldQz264RTPcZFkKMyCgMwo8h4yb
    sJMwGF4ixDH0cR6TTtzuCTt0MBi+iSjurhzDN5GU3S2H+HrsaDuhj/OYdOJ2T9Z1l0OPPdlAjz1psEQ8ZJzHnjRYIh4yLmEPx0lyH8Odh9g=`,
  ),
  sample(
    'literals in four streams',
    skewed,
    `
    KLUv/WDcBA0eAPpbmA4ewIZ1xkQ5miDo0rVR6Tzxfd++/929pSPbpiiKogAE4ADjANsAig78V/BSN5n1kvQK2iHwRka68AWUeQRcT7z1gqWT+M
    g/pHyaOf1i1JnlBD5kFkTZKcTmn2sNkENYjwO/v9NYWgY4NwYhpTUB78h7pce8B76vDdo1RMEponqo/lRlAV0gnvu1TbQZE4xSWTP5U3WRLAXr
    A5zzzwcrT+Y0qODPZQeI0ZyiGV+lzb2ED1SGCyCHx3K1I2sz3y6ra2y9AqD6K3Fu3wCxmsLA7GyKsw3SziEZrfheROHumiiCyCTNM9FhmqgoLY
    uJ3ppb3MFsdx9Nd3PF9RyWakaan/av++EC/ikUSkTC39NeKVWJaETmvFmsjdTGo4rIdVBlshn4khTyRImuKBBYqv8M2LuO2r1KSQ4ND/+RbASB
    y1eTtbNUkOgc3kvn4BXLFf/j1Va2Dkm8SeByo7r1NhD+wpQv5gFgCNRpnhH2aSKUKxJupGRH05lNsB4PI0OP6gZtEJHSDVo0uU999Ewh9mECFd
    +YgVWfrDXLAIqPk/xgfZ/8SClEwu+LTz4kqOLbkmTwUSNPavHmsyiy2dXqqsi15Nl0Qdo4e5vtJuo55Z18q/RnPUdLHwKB8+K4AQDoUP0HhXdo
    AC6sv6z4Ac+AXKDRG7P8EcVTG9y1qbM19c2eKSBXv/3uggk2vjRBhxWkHu17D3pQW7J2ycTU2lUc0jsoD8VoD/2zRws7YzI8uRfVQbs0W62RU9
    8XSavin5o8gTJ0GwOb/iAbZqbg62XwQr7ge1Ean1mfxLR04kJ58jeyrrxsrX0xJPt+orH9D3g9rwo8INUjKiY2RwEJrLbdDpCnR2a5xb8luFUW
    UjYNRtTlz9LQm5Spi+G7dDSeTR8+c5LsNp9W7CNzAnAZVZLu2g8c8L1E6bffmbqCC+mLl578D/X9qtKWVJjF2gs1jb+MIZWiXtYvUtAzagDCPU
    zKM85L+7AZPApvMkCPJR7DQ9kMZM1QsM1xcJGMLiDh8Bj/M+xnWAdWurb+0f5PncbeW3/usVdfLRCPd52kIdQCLToCUfZ7yIA5mJPNpz2WiAVR
    2z+ZZMtlYkCOEJJYAPkR/16EHRq7/m2p+ZazWu8Zon5NmKFjrSdCp/gFJoal2KJmgpeXhDNQjfqwX1/R9ED4sB3pQeOTGmJyrACtHUslYGWZyX
    K4r41FkioK9+Qt1QwuOCoiEVVBmA8dwo1SvSRd52blbQEYEhXvi7QdBgBTExm911mOTLmhbtNJSWq9I60sMAU=`,
  ),
  sample(
    'skewed blocks of 1 KiB',
    skewed,
    `
    KLUv/QAAvBQACkBIChvAHmcMQAEFFFCCJvqvjcq33d3bkW1TFEVRAAKfAJYAnAAXvhhmdUYDf8Bf9Zf3RHj2YMt2IAprqI3d/5oM2oRh+s64yL
    YiApBMXm2+VSsVRYBNiHN+CuPkCKWoGv+CljKUKCVRCet24WdcVAcLQgwP5fpK2IbOZVi3GHuEpf4TeeHBLbJ+XaK29sXhDm3n0ZSYhD+D4C6z
    LtPDqugaiWBZl5yUByA9diFxF7X33iXrjo7IIAPbTCkz3P73fQqa3wpbEC+teer9wflSIpCBf1DC+dFU5dxVhXq5j+mVePOZ9Ni8F+vqI7vycP
    tCu1iDm9dZ15TOuzlXd4hNS1efQIBzYjnKEiLUPyWAj0Qx8V8T7DNMPqITH55+7kbDvqp+Q29H/H+BqRZcCWHeEN8P8F1A6Rz+8Y05YYZa/wDX
    mGckvoOe5Ow2Auif7A0iJ/AuRcO/s3higxiJr478H/f3tW7PSyJ5zDiE2++1Ow2Lx5w5CraZu2jUx3wPTSIPE7+qRh4J2RECE7b7cACA2XK731
    6QR0fCfyBcAFT5Gnk7V6dDh/DL9kJ8Qsnkv7yOae+OwxwkPje7Y/BB4BfQeYISLDviWnQt8GDmIXky45PX7GxLtQNYA17mCF7doY1BXstFyjbf
    X59d2wiYcOCS8Ivo3S3sjRIzJI29bI39s2cFb4U1mBZOVMKWZV49M+n+nlS9iP8r8oFr0HEKgPUp7Yj5ir8Z6uc4i79MsngN+xysqw8VCZz/Hu
    +blbG3MwXkwSFpwPvX/Dy/BTUc9dIlD5slCBIr9ziCY6uBeYXEw6vITV6UbBYKuc8htiNIJXQTR1jprFyzJnyoBXkc3XoB/6ARS6VUIV32TjHi
    ryKr4fsO3RGF0R4AXQkAx91JRgBOAEUAx8hdu1m17wU6gVMsOyQCXqm4X+HIQiU4gPI/EH9x8b1ZnTG6b94awnEdvu8+bXryqwN7rPG69CD8EI
    zbkLdsHr7ebsKoDotBOJB7Zl2OjIdtBTrED7IUGIKTmU0/M0gBtSsXAv79kagnRgh4pSWshHMzWIwRobdDqSBMw0Qep3C2oVRVlRSOPLYb6tNy
    DQe5iABtbJfeP11rAITvX2i869dBcnnXVZthsVCiM5G0f48Gl9QcjcKt8TS80MX9kYj2fB5Es2SAyJPjNzx8EuDRgOzn3kXh42z/B5fE2y9uK/
    8pj/yjreRm2PAh2LVLFOMjUMlU0uz/2iZwqIYAUkXoAQeo8EguPPjDON4GJ24Oo/DA7KAZj0v5rwGGg1f0qmzsAwA=`,
  ),
  sample(
    'few letters',
    strand,
    `
    KLUv/WBYAc0GAEJJCwbgD2UlASH5kT9JSapc5PNK+Zhs7CYnGMB0MM9c9GD85mpAnbeJA+ike1T7AWSoMaZHlTobYxASgxw0HxC4twGjRLEIdJ
    33FEKpZIbmYFwGjGBY7vr8E+QGPwaTt54QopSq4qUFQPYsaNAnQtc213dDUSQWE/F7SmIzHTx7svZT5CU/I/Zm7Hlcr03DlZrjX0w/dsIGZ64P
    f6qLX6wFXXMyQdHZkvoIhd6TWZ3+EDb1PnwDXnOthJqHkdWsAca7BZfhw2DChgblYi/7cD8kwjwcaXV0pQo=`,
  ),
  sample(
    'rows of one length',
    rows,
    `
    KLUv/WBwAl0JAPIPOyawLO9cQgQWCMFf97DmmdKINHg8EcNt9Trb8rpkwzxnZ2dnZ2dXAua9Njct4KVFMNxUZNE8FYN9sx7f21FTcm1DMmUDwJ
    zRSW9jh1+UtCCwa8lFzAfS8avUjluHNCh/Yg8VxLCrSJwwHJBhdsn6oXdQPLwf3opTqRvK2SUDmWw9mjgicIyv5Pf1IvbRKT14fYWKsK7LqiKB
    a/bmfmx93eCSac7zXPNXNQ+K68K64UkuaHwya6+dQ5jM1EgPuGYsSGYI8nHSwWEXdJSREbKcEMuT5gSwpHvShl5RTRDfT1Ag0sdEgUiU0mDGs3
    STJyDg50hBClKQghSkIAUpSEEKUpCCFKQgBSlIQQpSIAUpSEEKUpCCFKQgBSlIQQpSkIIURM8FKRopJJKc`,
  ),
  sample(
    'raw',
    noise,
    `
    KLUv/WQsAGEJAI/iRn3xI1FZw38jb6tNqQMpMo/P5GGEV7lUOnSTG4XUm7441wQtw6GWtisR0AejkJ3cCdwVA+CHpFuDjd7Rp/+UnRJXgVxsZP
    4PfXAjkO9+kbzXgsgMiU/yopPCMOJ6eZcWYNMjIxNd3WTkD/whNfkNI0/QL1UYaxpSjC/0eJNcZHT0gXm+9KpqzAT+q2MTctpSin71ltqi8sur
    hJc/xcdjS37ic4Ou7yEgF/vyI2SRT53rQTPZmcQXG+Ve1dicRHVL7/ebhm5pRqI3IkX2IR0UqHRpCqEeDrHCP6QCjMxVCRB9qYZKYz/VLVh2Gx
    UgpQ8V837OZ0ok4oVgXRzeiwF1Gv2JG5/P7vGrNKSddbhPfqJa8h+jQu2XejTTKS//9shsnAKLLZH0zyA0hXN7ALI=`,
  ),
  sample(
    'a run',
    zeros,
    `
    KLUv/aBADQMAVAAAEAAAAQD7/znAAgNqCAA=`,
  ),
  sample(
    'nothing',
    empty,
    `
    KLUv/SQAAQAAmenYUQ==`,
  ),
]

/** A frame that wants a dictionary, which `zstd -D` made. */
export const withDictionary = Buffer.from(
  'KLUv/QdYiG84ST0BANOAAWRE/9jWBBH8O2nIhZXY37CLNh+RIzhqOwInuh5Lroj8i8tTCMyymvQ=',
  'base64',
)

/**
 * Makes a frame by hand.
 * @param header what follows the magic number, hexadecimal
 */
export function frameOf(header: string, ...blocks: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.from(header, 'hex'), ...blocks])
}

/** Makes a block by hand; the size is that of the content unless it is a run. */
export function blockOf(
  kind: 'raw' | 'run' | 'compressed' | 'reserved',
  content: Buffer | string,
  options: BlockOptions = {},
) {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'hex') : content
  const head = Buffer.alloc(3)
  const number = ['raw', 'run', 'compressed', 'reserved'].indexOf(kind)
  head.writeUIntLE((options.size ?? bytes.length) * 8 + number * 2 + (options.isLast === false ? 0 : 1), 0, 3)
  return Buffer.concat([head, bytes])
}

interface BlockOptions {
  readonly isLast?: boolean
  readonly size?: number
}

/** Makes a skippable frame. */
export function skippable(content: string): Buffer {
  const head = Buffer.from('5a2a4d1800000000', 'hex')
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, Buffer.from(content)])
}

function sample(name: string, text: Buffer, base64: string): Sample {
  return { name, text, frame: Buffer.from(base64, 'base64') }
}

function generator(start: number): () => number {
  let seed = start
  return () => {
    seed = (seed * 48271) % 2147483647
    return seed
  }
}
