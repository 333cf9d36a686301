# Completion of todo for PowerShell: todo --show-completion powershell | Out-String | Invoke-Expression, in $PROFILE.
#
# What the program prints (one candidate a line, a tab, a description) is data: nothing here evaluates it.

Register-ArgumentCompleter -Native -CommandName todo -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = Get-Command -Name todo -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { return }
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        $Env:_TODO_COMPLETE_LINE = $commandAst.Extent.Text.PadRight($length).Substring(0, $length)
        $lines = @($null | & $program.Source 2>$null)
    } finally {
        [Console]::OutputEncoding = $encoding
        Remove-Item -Path Env:_TODO_COMPLETE_LINE -ErrorAction SilentlyContinue
    }
    $option = if ($wordToComplete -match '^--[^=]+=') { $Matches[0] } else { '' }
    foreach ($line in $lines) {
        $value, $description = $line -split "`t", 2
        if (-not $value) { continue }
        if (-not $description) { $description = $value }
        $text = $option + $value
        if ($text -notmatch '^[\w.,=-]+$') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($text) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
