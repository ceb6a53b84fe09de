# Signs Docker tags in a CI job on Windows, with Windows PowerShell 5.1 or newer. It does what ci/shell/sign.sh does, and
# reads the same variables; see there.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 3.0
$ProgressPreference = 'SilentlyContinue'

function Get-Setting([string] $name, [string] $default = '') {
    $value = [Environment]::GetEnvironmentVariable($name)
    if ([string]::IsNullOrEmpty($value)) { $default } else { $value }
}

function Stop-With([string] $why) {
    [Console]::Error.WriteLine("sign: error: $why")
    exit 2
}

# What was fetched is run only if it is the file whose SHA-256 the pipeline names.
function Get-Tagseal([string] $url) {
    $wanted = Get-Setting 'TAGSEAL_SHA256'
    if ($wanted -eq '') { Stop-With 'TAGSEAL_SHA256 is missing: what is fetched from TAGSEAL_URL could be anything' }
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

$mode = Get-Setting 'SIGN_MODE' 'sign'
$state = Get-Setting 'SIGN_STATE' '.tagseal-ci'
$repository = Get-Setting 'SIGN_REPOSITORY'
$tags = Get-Setting 'SIGN_TAGS'
$url = Get-Setting 'TAGSEAL_URL'
if ($mode -notin 'sign', 'submit') { Stop-With 'SIGN_MODE is neither sign nor submit' }
if ($repository -eq '') { Stop-With 'SIGN_REPOSITORY is missing' }

$requests = Join-Path $state 'signing-requests'
New-Item -ItemType Directory -Force $requests | Out-Null
# Artifacts of earlier attempts, each in a folder of its own.
foreach ($handed in @(Get-ChildItem -Path (Join-Path $state 'handed/*/*.json') -ErrorAction SilentlyContinue)) {
    Move-Item -Force $handed.FullName $requests
}
$tagseal = if ($url -eq '') { Get-Setting 'TAGSEAL' 'tagseal' } else { Get-Tagseal $url }

$words = @('sign', '-r', $repository, '--require-pin', '--trust-dir', $state)
if ($tags -ne '') { $words += @('-t', $tags) }
$words += @((Get-Setting 'SIGN_ARGUMENTS') -split "`r?`n" | Where-Object { $_ -ne '' })
$timeout = if ($mode -eq 'submit') { '0' } else { Get-Setting 'SIGN_TIMEOUT' '600' }
& $tagseal @words --wait-for-completion-timeout $timeout
if ($mode -ne 'submit' -or $LASTEXITCODE -ne 8) { exit $LASTEXITCODE }
[Console]::Error.WriteLine('sign: the signing request is filed; a later job goes on with it')
exit 0
