# Signs Docker tags in a CI job on Windows, with Windows PowerShell 5.1 or newer. It does what ci/shell/sign.sh does, and
# reads the same variables; see there.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3.0
$ProgressPreference = 'SilentlyContinue'

function Get-Setting([string] $name, [string] $default = '') {
    $value = [Environment]::GetEnvironmentVariable($name)
    if ([string]::IsNullOrEmpty($value)) { $default } else { $value }
}

function Write-Line([string] $line) { [Console]::Error.WriteLine("sign: $line") }

function Stop-With([string] $why) {
    Write-Line "error: $why"
    exit 2
}

$state = Get-Setting 'SIGN_STATE' '.tagseal-ci'
$request = Join-Path $state 'request'
$data = Join-Path $state 'data.zip'
$signed = Join-Path $state 'signed.zip'
$timeout = Get-Setting 'SIGN_TIMEOUT' '600'
$repository = Get-Setting 'SIGN_REPOSITORY'
$mode = Get-Setting 'SIGN_MODE' 'sign'
$before = $false
if ($timeout -notmatch '^[0-9]+$') { Stop-With 'SIGN_TIMEOUT is no number of seconds' }
if ($repository -eq '') { Stop-With 'SIGN_REPOSITORY is missing' }
if ($mode -notin 'sign', 'submit', 'publish') { Stop-With 'SIGN_MODE is none of sign, submit, publish' }

# What was fetched is run only if it is the file whose SHA-256 the pipeline names.
function Find-Tagseal {
    $url = Get-Setting 'TAGSEAL_URL'
    if ($url -eq '') { return Get-Setting 'TAGSEAL' 'tagseal' }
    $wanted = Get-Setting 'TAGSEAL_SHA256'
    if ($wanted -eq '') { Stop-With 'TAGSEAL_SHA256 is missing: what is fetched from TAGSEAL_URL would be anything' }
    if ($url -notmatch '^https://') { Stop-With 'TAGSEAL_URL is no https address' }
    $file = Join-Path (Resolve-Path $state) 'tagseal.exe'
    if ((Test-Path $file) -and (Get-FileHash $file -Algorithm SHA256).Hash -eq $wanted) { return $file }
    Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile "$file.part" -TimeoutSec 300
    $found = (Get-FileHash "$file.part" -Algorithm SHA256).Hash
    if ($found -ne $wanted) {
        Remove-Item -Force "$file.part"
        Stop-With "$url has the SHA-256 $found, not that of TAGSEAL_SHA256; it was not run"
    }
    Move-Item -Force "$file.part" $file
    return $file
}

function Test-Request { (Test-Path $request) -and (Get-Item $request).Length -gt 0 }

# Files a signing request for what is not signed yet, unless one goes on; its id is kept at once.
function Submit-Request {
    $script:before = Test-Request
    if ($before) {
        Write-Line "goes on with signing request $(Get-Content -Raw $request)"
        return
    }
    $words = @('signing-data', '-r', $repository, '--require-pin', '--output-artifact-path', $data)
    $tags = Get-Setting 'SIGN_TAGS'
    if ($tags -ne '') { $words += @('-t', $tags) }
    $words += @((Get-Setting 'SIGN_ARGUMENTS') -split "`r?`n" | Where-Object { $_ -ne '' })
    if (Test-Path $data) { Remove-Item -Force $data }
    & $tagseal @words | ForEach-Object { Write-Line $_ }
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    if (-not (Test-Path $data)) { return }
    $id = & $tagseal submit --input-artifact-path $data
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    [IO.File]::WriteAllText((Join-Path (Resolve-Path $state) 'request'), "$id")
}

# Waits for the signing request and publishes what it has signed. Its id is forgotten once nothing more can come of it.
function Publish-Request {
    $id = (Get-Content -Raw $request).Trim()
    & $tagseal download $id --output-artifact-path $signed --force --wait-for-completion-timeout $timeout |
        ForEach-Object { Write-Line $_ }
    if ($LASTEXITCODE -eq 0) {
        & $tagseal push -r $repository --input-artifact-path $signed --require-pin | ForEach-Object { Write-Host $_ }
    }
    $code = $LASTEXITCODE
    if ($code -in 0, 3, 6, 7) {
        Remove-Item -Force $request, $data, $signed -ErrorAction SilentlyContinue
    } else {
        Write-Line "signing request $id goes on: run this job again, and it goes on with it"
    }
    return $code
}

New-Item -ItemType Directory -Force $state | Out-Null
$given = Get-Setting 'SIGN_REQUEST'
if ($given -ne '') { [IO.File]::WriteAllText((Join-Path (Resolve-Path $state) 'request'), $given) }
# Artifacts of earlier attempts are handed over in folders of their own.
foreach ($handed in @(Get-ChildItem -Path (Join-Path $state '*/request') -ErrorAction SilentlyContinue)) {
    if ($handed.Length -gt 0 -and -not (Test-Request)) { Move-Item -Force $handed.FullName $request }
}
$tagseal = Find-Tagseal
switch ($mode) {
    'submit' { Submit-Request }
    'publish' {
        if (Test-Request) { exit (Publish-Request) }
        Write-Line 'there is no signing request: nothing was to be signed'
    }
    'sign' {
        # A request from before may be about other tags, and others may publish meanwhile (6): then it is done once more.
        foreach ($round in 1..5) {
            Submit-Request
            if (-not (Test-Request)) { break }
            $code = Publish-Request
            if ($code -eq 0 -and -not $before) { break }
            if ($code -ne 0 -and ($code -ne 6 -or $round -eq 5)) { exit $code }
        }
    }
}
exit 0
